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

// The service manager, shell or container knows the first process. When a successor serves and the last connection of the first
// process is closed, the first process becomes the supervisor's stub: it forwards signals to the server that runs, and ends when
// that ends, with its exit code. For that it executes itself once more, which gives back all memory of the server it was.

// stubName is argv[0] of the stub.
const stubName = "reverbd (supervisor)"

// becomeStub makes this process the stub. It does not return. signals holds signals that arrived and were not handled: they are
// for the server that runs.
func (v *supervisor) becomeStub(signals <-chan os.Signal) {
	_, _ = unix.FcntlInt(uintptr(v.near), unix.F_SETFD, 0)
	// A signal that arrives between here and the execution waits. In the new program Go 1.26 has it unblocked before main begins, so one that
	// arrives in the millisecond until runStub asks for signals still ends this process.
	runtime.LockOSThread()
	var set unix.Sigset_t
	for _, s := range handledSignals {
		n := uint(s.(syscall.Signal)) - 1
		set.Val[n/64] |= 1 << (n % 64)
	}
	_ = unix.PthreadSigmask(unix.SIG_BLOCK, &set, nil)
	for len(signals) > 0 {
		v.forward(<-signals)
	}
	// The file that was executed, not the one that has its name by now.
	_ = unix.Exec("/proc/self/exe", []string{stubName, strconv.Itoa(v.near), strconv.Itoa(v.latest())}, []string{"GOMAXPROCS=1"})

	_ = unix.PthreadSigmask(unix.SIG_UNBLOCK, &set, nil)
	runtime.UnlockOSThread()
	debug.FreeOSMemory()
	os.Exit(v.runStub())
}

// stubFrom returns the supervisor whose stub the arguments of this process ask for, or nil.
func stubFrom(args []string) *supervisor {
	if len(args) != 3 || args[0] != stubName {
		return nil
	}
	near, err := strconv.Atoi(args[1])
	pid, err2 := strconv.Atoi(args[2])
	if err != nil || err2 != nil {
		return nil
	}
	unix.CloseOnExec(near)
	return &supervisor{first: os.Getpid(), near: near, server: pid}
}

// runStub forwards signals until no server is left, and returns the exit code of the server that was announced last.
func (v *supervisor) runStub() int {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, append([]os.Signal{syscall.SIGCHLD}, handledSignals...)...)
	_ = os.WriteFile("/proc/self/comm", []byte("reverbd"), 0) // else the process is called exe; it tells that signals are handled
	code := exitFailure
	for {
		if none := v.reap(&code); none {
			if v.latest() == stoppedServer {
				return 0
			}
			return code
		}
		if s := <-signals; s != syscall.SIGCHLD {
			v.forward(s)
		}
	}
}

// reap collects the children that have ended, and reports that there is none left. The kernel makes an orphan of a child a child
// of this process before it reports the child's end, so there is a child as long as a server runs.
func (v *supervisor) reap(code *int) (none bool) {
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
		case pid == v.latest():
			*code = exitCode(status)
		}
	}
}

// exitCode returns the exit code as a shell reports it: 128 plus the signal for a process that a signal ended.
func exitCode(s syscall.WaitStatus) int {
	if s.Signaled() {
		return 128 + int(s.Signal())
	}
	return s.ExitStatus()
}

// forward passes a signal on to the server that runs.
func (v *supervisor) forward(s os.Signal) {
	if pid := v.latest(); pid != stoppedServer {
		_ = syscall.Kill(pid, s.(syscall.Signal)) // fails where it has just ended
	}
}
