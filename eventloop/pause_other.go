//go:build !linux

package eventloop

import "github.com/panjf2000/gnet/v2"

// Reading is paused on Linux alone: elsewhere everything that has arrived is handled at once.

func epollOf(gnet.EventLoop) int { return -1 }

func (c *conn) pauseReading() bool { return false }

func (c *conn) resumeReading() {}
