package main

import (
	"os"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// slackVariable tells a process that loosenTimerSlack executed again which timer slack it had before, in nanoseconds. It is
// internal.
const slackVariable = "REVERBD_ORIGINAL_TIMER_SLACK"

// loosenTimerSlack executes the program again, in the same process, with this timer slack (how late the kernel may wake a thread
// that sleeps) in the place of the kernel's 50 microseconds. It returns if slack is 0, if the process has as much already, or if
// that cannot be done.
//
// While anything runs, the monitor thread of Go's runtime wakes every 20 microseconds (every 70, with the kernel's slack). A server
// that is in system calls most of its time gives it nothing to do, and the naps cost a tenth of all its CPU time. A thread inherits
// its slack from the one that starts it, and the monitor is there before main, so only a process that is loose from its beginning
// has a loose monitor. Under systemd TimerSlackNSec=2ms does the same.
func loosenTimerSlack(slack time.Duration) {
	runtime.LockOSThread() // the thread that executes keeps its slack, and no other
	defer runtime.UnlockOSThread()
	now, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil || time.Duration(now) >= slack {
		return
	}
	program, err := os.Executable() // not /proc/self/exe: the process would be called exe
	if err != nil || unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(slack), 0, 0, 0) != nil {
		return
	}
	_ = unix.Exec(program, os.Args, append(os.Environ(), slackVariable+"="+strconv.Itoa(now)))
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(now), 0, 0, 0) // it could not be executed: go on as before
}

// withOriginalTimerSlack calls start, which starts a process, on a thread that has the timer slack of this process before
// loosenTimerSlack: the new process decides anew by its own configuration.
func withOriginalTimerSlack(start func() error) error {
	original, err := strconv.Atoi(os.Getenv(slackVariable))
	if err != nil {
		return start()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	now, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil || unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(original), 0, 0, 0) != nil {
		return start()
	}
	defer func() { _ = unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(now), 0, 0, 0) }()
	return start()
}
