package eventloop

import (
	"context"
	"fmt"
	"net"
	"os"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"
)

// doorbell asks a loop for a turn of its drain through the poller: one end of a socket pair is enrolled in the loop, so
// that ringing it is an event beside those of the clients. gnet's own Execute will not do for that, since a task that
// executes itself again is run before the loop polls.
type doorbell struct {
	loop *loop
	fd   int // the end that is written to
}

// newDoorbell has a bell enrolled in l. It is of use once its conn has been opened: until then l.bell is nil.
func newDoorbell(l *loop) error {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return fmt.Errorf("eventloop: doorbell: %w", err)
	}
	for _, fd := range fds {
		unix.CloseOnExec(fd)
		if err := unix.SetNonblock(fd, true); err != nil {
			return fmt.Errorf("eventloop: doorbell: %w", err)
		}
	}
	f := os.NewFile(uintptr(fds[0]), "doorbell")
	c, err := net.FileConn(f)
	_ = f.Close() // FileConn has its own descriptor
	if err != nil {
		_ = unix.Close(fds[1])
		return fmt.Errorf("eventloop: doorbell: %w", err)
	}
	b := &doorbell{loop: l, fd: fds[1]}
	if _, err := (*l.gnet.Load()).Enroll(gnet.NewContext(context.Background(), b), c); err != nil {
		_ = unix.Close(fds[1])
		return fmt.Errorf("eventloop: doorbell: %w", err)
	}
	return nil
}

var ding = []byte{1}

// ring makes the loop's poller report the bell. A full socket means that it is ringing already.
func (b *doorbell) ring() { _, _ = unix.Write(b.fd, ding) }

// close gives the writing end back, once the loop has ended and nobody rings any more.
func (b *doorbell) close() { _ = unix.Close(b.fd) }
