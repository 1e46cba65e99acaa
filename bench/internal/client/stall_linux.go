package client

import "golang.org/x/sys/unix"

// Stall has all connections stop reading, as those of a machine do that hangs. What the kernel takes in for them is left as
// it is: with a smaller buffer they would not get going again before the server's kernel asks, which it does ever less often.
func (f *Fleet) Stall() { f.poller.Call(func() { f.stalled = true }) }

// Resume has them read again, and find out what has become of them.
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
