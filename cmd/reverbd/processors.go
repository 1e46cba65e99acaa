package main

import (
	"os"
	"runtime"
	"strconv"

	"reverbd/cmd/reverbd/config"
)

// setProcessors sets GOMAXPROCS, the number of threads that may run Go code at once, unless the environment does.
//
// An event loop that waits in epoll_wait keeps its turn to run Go code (a P of the runtime) until the runtime's monitor takes it back,
// which with a loose timer slack takes milliseconds. With as many Ps as loops every other goroutine waits so long, above all the one
// that accepts connections. So there are more Ps than loops, and it is the kernel that shares the CPUs out.
func setProcessors(conf config.Config) {
	if n, err := strconv.Atoi(os.Getenv("GOMAXPROCS")); err == nil && n > 0 { // the runtime has used it
		return
	}
	runtime.GOMAXPROCS(processors(conf))
}

// processors is the number of Ps: one for each loop, and one for each of the others that may need one at the same time.
func processors(conf config.Config) int {
	n := conf.Reactors + 2 // accepting; and workers, timers, the control socket and the garbage collector
	if conf.Scaling != nil {
		n++ // what Redis sends
	}
	if conf.TLS != nil {
		n += handshakes() // each computes for a fraction of a millisecond
	}
	return n
}

// handshakes is how many TLS handshakes may compute at once: they leave half of the CPUs to the loops.
func handshakes() int { return max(1, config.UsableCPUs()/2) }
