//go:build !linux

package listen

import "net"

// keepAlive has net set keep-alive on every connection.
func keepAlive() *net.ListenConfig {
	return &net.ListenConfig{KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: keepAliveIdle, Interval: keepAliveInterval, Count: keepAliveCount,
	}}
}
