package listen

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// openUnix listens on a unix socket whose file has the mode and the owner of a, and never had a wider mode. It replaces the file of a
// server that was killed. Close of the listener removes the file.
func openUnix(ctx context.Context, a Address) (net.Listener, error) {
	l, err := bindUnix(ctx, a)
	if errors.Is(err, unix.EADDRINUSE) && stale(ctx, a.Path) {
		if err := os.Remove(a.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("listen: removing the socket that a server has left: %w", err)
		}
		l, err = bindUnix(ctx, a)
	}
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	if err := a.setOwnerAndMode(); err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("listen: %w", err)
	}
	return l, nil
}

func bindUnix(ctx context.Context, a Address) (net.Listener, error) {
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		if e := c.Control(func(fd uintptr) {
			err = unix.Fchmod(int(fd), uint32(a.Mode)) // on Linux bind(2) gives the file this mode, less the umask
		}); e != nil {
			return e
		}
		if errors.Is(err, unix.EINVAL) { // on other systems
			return nil
		}
		return err
	}}
	return config.Listen(ctx, "unix", a.Path)
}

// setOwnerAndMode sets the owner and the mode of the file.
func (a Address) setOwnerAndMode() error {
	uid, gid, err := ownerIDs(a.Owner)
	if err != nil {
		return err
	}
	if uid >= 0 || gid >= 0 {
		if err := os.Lchown(a.Path, uid, gid); err != nil {
			return err
		}
	}
	return os.Chmod(a.Path, a.Mode)
}

// stale reports whether the file is a unix socket on which no process listens.
func stale(ctx context.Context, path string) bool {
	if info, err := os.Lstat(path); err != nil || info.Mode().Type() != fs.ModeSocket {
		return false
	}
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", path)
	if err == nil {
		_ = c.Close()
	}
	return errors.Is(err, unix.ECONNREFUSED)
}
