package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// supervisor links the first process, whose id the service manager knows, with the servers that follow it after restarts: one
// end of a socket pair stays with the first process for good, the other end is passed from server to server. A server announces
// its successor on it, and reads end-of-file from it when the first process is gone. A nil supervisor is a server that was not
// restarted.
type supervisor struct {
	first int      // process id of the first process
	far   *os.File // the end that is passed on

	near    int    // the end of the first process; -1 in a server that follows it
	server  int    // process id of the server that was announced last; stoppedServer once that has stopped
	partial string // the beginning of an announcement whose end has not arrived
}

// stoppedServer stands for the process id of a server that has been stopped and is about to end with exit code 0. Its parent may be a
// server that still closes its connections, and collects the exit code in place of the first process.
const stoppedServer = 0

// newSupervisor makes this process the first one.
func newSupervisor() (*supervisor, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("making the link to later processes: %w", os.NewSyscallError("socketpair", err))
	}
	return &supervisor{first: os.Getpid(), near: fds[0], far: os.NewFile(uintptr(fds[1]), "link"), server: os.Getpid()}, nil
}

// inheritedSupervisor returns the link that the process before has passed on, or nil.
func inheritedSupervisor(h *handover) *supervisor {
	if h == nil || h.First == 0 {
		return nil
	}
	return &supervisor{first: h.First, far: h.link, near: -1}
}

// isFirst reports whether this process was started first. It is false for a nil supervisor.
func (v *supervisor) isFirst() bool { return v != nil && v.near >= 0 }

// announce tells the first process which process is the server from now on. A server announces its successor before its own
// end, so the first process always knows a server that runs.
func (v *supervisor) announce(pid int) {
	switch {
	case v == nil:
	case v.isFirst():
		v.server = pid
	default:
		_, _ = fmt.Fprintf(v.far, "%d\n", pid) // fails where the first process is gone, which orphaned reports
	}
}

// announceStop tells the first process that this server, the last one, has been stopped.
func (v *supervisor) announceStop() {
	if v != nil && !v.isFirst() {
		_, _ = fmt.Fprintf(v.far, "%d\n", stoppedServer)
	}
}

// orphaned returns a channel that is closed when the first process is gone; nil if this is the first process or there is none.
func (v *supervisor) orphaned() <-chan struct{} {
	if v == nil || v.isFirst() {
		return nil
	}
	done := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, v.far) // the first process sends nothing
		close(done)
	}()
	return done
}

// latest returns the process id of the server that was announced last. It does not wait.
func (v *supervisor) latest() int {
	buf := make([]byte, 256)
	for {
		n, err := unix.Read(v.near, buf)
		if n <= 0 || err != nil {
			return v.server
		}
		lines := strings.Split(v.partial+string(buf[:n]), "\n")
		v.partial = lines[len(lines)-1]
		for _, line := range lines[:len(lines)-1] {
			if pid, err := strconv.Atoi(line); err == nil && (pid > 1 || pid == stoppedServer) {
				v.server = pid
			}
		}
	}
}
