package client

import "golang.org/x/sys/unix"

// Stall makes all connections stop reading, as the connections of a hung machine do. Receive buffers keep their size: with a smaller
// one, a connection would resume only at the next window probe of the server's kernel, whose intervals double.
func (f *Fleet) Stall() { f.poller.Call(func() { f.stalled = true }) }

// Resume makes them read again, including the end of those that the server has closed.
func (f *Fleet) Resume() {
	f.poller.Call(func() {
		f.stalled = false
		for i := range f.conns {
			if c := &f.conns[i]; c.fd >= 0 {
				c.Ready(unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP)
			}
		}
	})
}
