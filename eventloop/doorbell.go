package eventloop

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"
)

// doorbell asks a loop for a turn of its drain through the poller: one end of a socket pair is enrolled in the loop, so
// that ringing it is an event beside those of the clients. gnet's own Execute will not do for that, since a task that
// executes itself again is run before the loop polls. By its doorbell a loop is found, and its end noticed, too.
type doorbell struct {
	loop *loop
	gnet gnet.EventLoop // the loop it hangs in
	fd   int            // the end that is written to
}

// newDoorbell has a bell for l enrolled in that of the engine's loops that has no connection yet, and with that no bell.
func newDoorbell(l *loop, engine *gnet.Client) (*doorbell, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return nil, fmt.Errorf("eventloop: doorbell: %w", err)
	}
	for _, fd := range fds {
		unix.CloseOnExec(fd)
		_ = unix.SetNonblock(fd, true) // fails for what is not a descriptor
	}
	b := &doorbell{loop: l, fd: fds[1]}
	if err := b.enroll(fds[0], engine); err != nil {
		b.close()
		return nil, fmt.Errorf("eventloop: doorbell: %w", err)
	}
	return b, nil
}

// enroll hangs the bell up by fd, which it takes over.
func (b *doorbell) enroll(fd int, engine *gnet.Client) error {
	f := os.NewFile(uintptr(fd), "doorbell")
	c, err := net.FileConn(f)
	_ = f.Close() // FileConn has its own descriptor
	if err != nil {
		return err
	}
	if _, err := engine.EnrollContext(c, b); err != nil {
		return err
	}
	if b.gnet == nil {
		return errPoller
	}
	for _, l := range b.loop.server.loops {
		if l.bell != nil && l.bell.gnet == b.gnet {
			return errors.New("two bells hang in one loop")
		}
	}
	return nil
}

var ding = []byte{1}

// ring makes the loop's poller report the bell. A full socket means that it is ringing already.
func (b *doorbell) ring() { _, _ = unix.Write(b.fd, ding) }

// close gives the writing end back, once the loop has ended and nobody rings any more.
func (b *doorbell) close() { _ = unix.Close(b.fd) }
