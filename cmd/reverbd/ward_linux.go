package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// ward is how the process that was started first, whose id a supervisor knows, and the servers that follow it know of each other:
// one end of a socket pair stays with the first process for good, the other one is passed on. A server announces on
// it who follows, and sees from its end that the first process is gone.
type ward struct {
	first int
	far   *os.File // the end that is passed on

	near int    // the end of the first process
	main int    // the server that was announced last
	part string // of an announcement
}

// newWard makes this process the first one.
func newWard() (*ward, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("making the link to later processes: %w", os.NewSyscallError("socketpair", err))
	}
	return &ward{first: os.Getpid(), near: fds[0], far: os.NewFile(uintptr(fds[1]), "link"), main: os.Getpid()}, nil
}

// inWard is the ward that this process has been passed, nil if there is none.
func inWard(h *handover) *ward {
	if h == nil || h.First == 0 {
		return nil
	}
	return &ward{first: h.First, far: h.link, near: -1}
}

// isFirst reports whether this process was started first. It is false without a ward.
func (w *ward) isFirst() bool { return w != nil && w.near >= 0 }

// announce tells the first process which one is the server now. The old server does that for the one that follows it, and so
// before its own end.
func (w *ward) announce(pid int) {
	switch {
	case w == nil:
	case w.isFirst():
		w.main = pid
	default:
		_, _ = fmt.Fprintf(w.far, "%d\n", pid) // fails where the first process is gone, which orphaned tells
	}
}

// orphaned returns a channel that is closed when the first process is gone, nil where that cannot be.
func (w *ward) orphaned() <-chan struct{} {
	if w == nil || w.isFirst() {
		return nil
	}
	done := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, w.far) // nothing is sent this way
		close(done)
	}()
	return done
}

// latest is the server that was announced last. It does not wait.
func (w *ward) latest() int {
	buf := make([]byte, 256)
	for {
		n, err := unix.Read(w.near, buf)
		if n <= 0 || err != nil {
			return w.main
		}
		lines := strings.Split(w.part+string(buf[:n]), "\n")
		w.part = lines[len(lines)-1]
		for _, line := range lines[:len(lines)-1] {
			if pid, err := strconv.Atoi(line); err == nil && pid > 1 {
				w.main = pid
			}
		}
	}
}
