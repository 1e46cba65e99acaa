package e2e

import "syscall"

// childAttributes let the kernel end a child whose test was itself killed, so that nothing stays behind.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
