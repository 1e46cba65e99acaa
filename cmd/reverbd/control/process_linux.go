package control

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Process is another process that is watched, by a pidfd: unlike an id it never refers to another process. A zombie counts as gone.
type Process struct{ fd int }

// Watch begins to watch the process. It returns nil if the process is gone.
func Watch(pid int) (*Process, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	switch {
	case errors.Is(err, unix.ESRCH):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("control: watching process %d: %w", pid, err)
	}
	return &Process{fd}, nil
}

// Wait returns when the process is gone. It may be called once.
func (p *Process) Wait() {
	if p == nil {
		return
	}
	for {
		_, err := unix.Poll([]unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}, -1)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	_ = unix.Close(p.fd)
}
