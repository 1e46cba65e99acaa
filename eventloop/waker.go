package eventloop

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"
)

// waker asks a loop for a turn of its drain through the poller: one end of a socket pair is enrolled in the loop, so
// that waking it is an event beside those of the clients. gnet's own Execute will not do for that, since a task that
// executes itself again is run before the loop polls. By its waker a loop is found, and its end noticed, too.
type waker struct {
	loop *loop
	gnet gnet.EventLoop // the loop it hangs in
	fd   int            // the end that is written to
}

// newWaker enrolls a waker for l in the one of the engine's loops that has no connection, and therefore no waker, yet.
func newWaker(l *loop, engine *gnet.Client) (*waker, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return nil, fmt.Errorf("eventloop: waker: %w", err)
	}
	for _, fd := range fds {
		unix.CloseOnExec(fd)
		_ = unix.SetNonblock(fd, true) // fails for what is not a descriptor
	}
	b := &waker{loop: l, fd: fds[1]}
	if err := b.enroll(fds[0], engine); err != nil {
		b.close()
		return nil, fmt.Errorf("eventloop: waker: %w", err)
	}
	return b, nil
}

// enroll registers the waker by fd, which it takes over.
func (b *waker) enroll(fd int, engine *gnet.Client) error {
	f := os.NewFile(uintptr(fd), "waker")
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
		if l.waker != nil && l.waker.gnet == b.gnet {
			return errors.New("two bells hang in one loop")
		}
	}
	return nil
}

var wakeByte = []byte{1}

// wake makes the loop's poller report the waker's end. A full socket means that it has been woken already.
func (b *waker) wake() { _, _ = unix.Write(b.fd, wakeByte) }

// close gives the writing end back, once the loop has ended and nobody wakes it any more.
func (b *waker) close() { _ = unix.Close(b.fd) }
