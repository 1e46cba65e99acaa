//go:build !linux

package control

import (
	"time"

	"golang.org/x/sys/unix"
)

// Process is another process that is watched.
type Process struct{ pid int }

// Watch begins to watch the process. It returns nil if the process is gone.
func Watch(pid int) (*Process, error) {
	if unix.Kill(pid, 0) == unix.ESRCH {
		return nil, nil
	}
	return &Process{pid}, nil
}

// Wait returns when the process is gone. It may be called once.
func (p *Process) Wait() {
	for p != nil && unix.Kill(p.pid, 0) != unix.ESRCH {
		time.Sleep(20 * time.Millisecond)
	}
}
