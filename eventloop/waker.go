package eventloop

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"
)

// waker has a loop run its mailbox once more after it has polled. It is one end of a socket pair that is enrolled in the loop, so that
// a wake-up is an event of the poller beside those of the clients. Execute of gnet does not do for that: a task that executes itself
// again runs before the loop polls. The waker also tells which of gnet's loops a loop is, and when that has ended.
type waker struct {
	loop *loop
	gnet gnet.EventLoop // the loop that it is enrolled in
	fd   int            // the end that wake writes to
}

// newWaker enrolls a waker in the one of gnet's loops that has no connection yet, and with that no waker, and makes it that of l.
func newWaker(l *loop, engine *gnet.Client) (*waker, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return nil, fmt.Errorf("eventloop: waker: %w", err)
	}
	for _, fd := range fds {
		unix.CloseOnExec(fd)
		_ = unix.SetNonblock(fd, true) // fails for what is not a descriptor
	}
	w := &waker{loop: l, fd: fds[1]}
	if err := w.enroll(fds[0], engine); err != nil {
		w.close()
		return nil, fmt.Errorf("eventloop: waker: %w", err)
	}
	return w, nil
}

// enroll enrolls the waker with its other end, fd, which it closes.
func (w *waker) enroll(fd int, engine *gnet.Client) error {
	f := os.NewFile(uintptr(fd), "waker")
	c, err := net.FileConn(f)
	_ = f.Close() // FileConn has its own descriptor
	if err != nil {
		return err
	}
	if _, err := engine.EnrollContext(c, w); err != nil {
		return err
	}
	if w.gnet == nil {
		return errPoller
	}
	for _, l := range w.loop.server.loops {
		if l.waker != nil && l.waker.gnet == w.gnet {
			return errors.New("two wakers are enrolled in one loop")
		}
	}
	return nil
}

var wakeByte = []byte{1}

// wake has the poller of the loop report the waker. A full socket means that the loop has been woken already. Safe for concurrent use.
func (w *waker) wake() { _, _ = unix.Write(w.fd, wakeByte) }

// close closes the end that wake writes to. The loop must have ended, and wake must not be called any more.
func (w *waker) close() { _ = unix.Close(w.fd) }
