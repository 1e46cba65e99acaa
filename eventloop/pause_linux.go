package eventloop

import (
	"reflect"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"
)

// gnet has no way to stop reading from a connection: what a client sends faster than it is handled would collect in memory without
// limit. So its epoll is told here to report no more input. gnet itself undoes that when output of the connection has waited for the
// socket, which costs one more read. TestGnetReadingPauses checks what this relies on.

// epollOf returns the descriptor of gnet's epoll, -1 if gnet does not keep it where it did.
func epollOf(el gnet.EventLoop) int {
	v := reflect.ValueOf(el)
	for _, field := range []string{"poller", "fd"} {
		if v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		if v.Kind() != reflect.Struct {
			return -1
		}
		v = v.FieldByName(field)
	}
	if v.Kind() != reflect.Int {
		return -1
	}
	return int(v.Int())
}

// pauseReading has the loop read nothing of c until resumeReading, so that the kernel holds the client back. It reports whether that
// is possible.
func (c *conn) pauseReading() bool {
	return c.poll(0)
}

// resumeReading is the opposite of pauseReading.
func (c *conn) resumeReading() { c.poll(unix.EPOLLIN | unix.EPOLLPRI) }

// poll sets what the epoll reports of c, beside the room for output that waits.
func (c *conn) poll(events uint32) bool {
	if c.state == stateClosed || c.isHalfClosed() {
		return false
	}
	if c.gnet.OutboundBuffered() > 0 {
		events |= unix.EPOLLOUT
	}
	fd := c.gnet.Fd()
	return unix.EpollCtl(c.loop.epoll, unix.EPOLL_CTL_MOD, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)}) == nil
}
