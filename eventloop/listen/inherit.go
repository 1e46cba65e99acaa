package listen

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// firstInherited is the number of the first descriptor that systemd passes (sd_listen_fds(3)).
const firstInherited = 3

// Inherited are the listeners of socket activation (sd_listen_fds(3)), nil if there is none for this process. lookup reads the
// environment. The files of unix sockets belong to systemd and are not removed.
func Inherited(lookup func(string) (string, bool)) ([]net.Listener, error) {
	pid, _ := lookup("LISTEN_PID")
	count, _ := lookup("LISTEN_FDS")
	if pid != strconv.Itoa(os.Getpid()) || count == "" {
		return nil, nil
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > 1024 {
		return nil, fmt.Errorf("listen: LISTEN_FDS: %q is not a number of descriptors", count)
	}
	text, _ := lookup("LISTEN_FDNAMES")
	names := strings.Split(text, ":")
	var all []net.Listener
	for i := range n {
		name := "unnamed"
		if i < len(names) && names[i] != "" {
			name = names[i]
		}
		unix.CloseOnExec(firstInherited + i)
		l, err := FromFile(os.NewFile(uintptr(firstInherited+i), name), false)
		if err != nil {
			Close(all)
			return nil, fmt.Errorf("listen: descriptor %d of systemd (%s): %w", firstInherited+i, name, err)
		}
		all = append(all, l)
	}
	return all, nil
}

// FromFile makes a listener of f, and closes f. owned says whether Close of the listener removes the file of a unix socket, as it does
// after Address.Open.
func FromFile(f *os.File, owned bool) (net.Listener, error) {
	defer func() { _ = f.Close() }() // the listener has a copy
	accepting, err := unix.GetsockoptInt(int(f.Fd()), unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	switch {
	case err != nil:
		return nil, fmt.Errorf("is not a socket: %w", err)
	case accepting == 0:
		return nil, errors.New("is not a socket that listens")
	}
	l, err := net.FileListener(f)
	if err != nil {
		return nil, err
	}
	switch l := l.(type) {
	case *net.TCPListener:
	case *net.UnixListener:
		l.SetUnlinkOnClose(owned)
	default:
		_ = l.Close()
		return nil, errors.New("is neither a TCP nor a unix socket")
	}
	return l, nil
}
