package main

import (
	"errors"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// The process that was started first is the one that a supervisor, a shell or a container knows. When the servers that follow it
// have taken over and its last connection is gone it becomes a warden: it passes signals on to the server that runs, and ends when
// that ends, with its exit code. For that it executes itself once more, which gives back all memory of the server it was.

// wardenName is the name by which the program is executed to be a warden.
const wardenName = "reverbd (warden)"

// become makes this process the warden. It does not return. signals are those that nobody has taken yet: they are for the server that runs.
func (w *ward) become(signals <-chan os.Signal) {
	_, _ = unix.FcntlInt(uintptr(w.near), unix.F_SETFD, 0)
	// What comes between here and the warden's first look waits: a blocked signal stays blocked, and pending, across the execution.
	runtime.LockOSThread()
	var set unix.Sigset_t
	for _, s := range heeded {
		n := uint(s.(syscall.Signal)) - 1
		set.Val[n/64] |= 1 << (n % 64)
	}
	_ = unix.PthreadSigmask(unix.SIG_BLOCK, &set, nil)
	for len(signals) > 0 {
		w.forward(<-signals)
	}
	// The file that was executed, and not what has its name by now.
	_ = unix.Exec("/proc/self/exe", []string{wardenName, strconv.Itoa(w.near), strconv.Itoa(w.latest())}, []string{"GOMAXPROCS=1"})

	_ = unix.PthreadSigmask(unix.SIG_UNBLOCK, &set, nil)
	runtime.UnlockOSThread()
	debug.FreeOSMemory()
	os.Exit(w.watch())
}

// wardenFrom is the warden that the arguments of this process ask for, or nil.
func wardenFrom(args []string) *ward {
	if len(args) != 3 || args[0] != wardenName {
		return nil
	}
	near, err := strconv.Atoi(args[1])
	pid, err2 := strconv.Atoi(args[2])
	if err != nil || err2 != nil {
		return nil
	}
	unix.CloseOnExec(near)
	_ = os.WriteFile("/proc/self/comm", []byte("reverbd"), 0) // else it would be called exe
	return &ward{first: os.Getpid(), near: near, main: pid}
}

// watch returns the exit code of the server when that and all others have ended.
func (w *ward) watch() int {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, append([]os.Signal{syscall.SIGCHLD}, heeded...)...)
	code := exitFailure
	for {
		if none := w.reap(&code); none {
			return code
		}
		if s := <-signals; s != syscall.SIGCHLD {
			w.forward(s)
		}
	}
}

// reap collects the children that have ended, and reports that there is none left. An orphan of a child comes to this process before
// the child's end is told, so that there is one as long as a server runs.
func (w *ward) reap(code *int) (none bool) {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil:
			return true
		case pid == 0:
			return false
		case pid == w.latest():
			*code = exitCode(status)
		}
	}
}

// exitCode is the one that a shell would tell.
func exitCode(s syscall.WaitStatus) int {
	if s.Signaled() {
		return 128 + int(s.Signal())
	}
	return s.ExitStatus()
}

// forward passes a signal on to the server that runs.
func (w *ward) forward(s os.Signal) {
	_ = syscall.Kill(w.latest(), s.(syscall.Signal)) // fails where it has just ended
}
