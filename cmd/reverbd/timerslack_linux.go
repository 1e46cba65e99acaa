package main

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// timerSlack is how late the kernel may wake a thread that sleeps.
const timerSlack = 2 * time.Millisecond

// loosenTimerSlack starts the program again, in the same process, with a timer slack of two milliseconds in the place of the
// kernel's 50 microseconds; it returns if that is so already, or cannot be done.
//
// While anything runs, the monitor thread of Go's runtime wakes every 20 microseconds (every 70, with the slack). A server that
// is in system calls most of its time gives it nothing to do, and the naps cost a tenth of all its CPU time. Nothing here is
// timed finer than 200 milliseconds. A thread inherits its slack from the one that starts it, and the monitor is there before
// main, so only a process that is loose from its beginning has a loose monitor. Under systemd TimerSlackNSec=2ms does the same.
func loosenTimerSlack() {
	slack, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil || time.Duration(slack) >= timerSlack {
		return
	}
	program, err := os.Executable() // not /proc/self/exe: the process would be called exe
	if err != nil || unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(timerSlack), 0, 0, 0) != nil {
		return
	}
	_ = unix.Exec(program, os.Args, os.Environ()) // returns only if it fails, and then we go on as we are
}
