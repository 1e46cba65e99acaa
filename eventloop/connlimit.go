package eventloop

import (
	"fmt"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// connLimiter bounds the connections below the descriptor limit: one that is refused is better off than one that waits in the queue of
// a socket from which nobody can accept. Safe for concurrent use.
type connLimiter struct {
	max   int64
	count atomic.Int64
}

// acquire counts a connection in, and reports whether there is room for it. Every call needs a leave.
func (g *connLimiter) acquire() bool { return g.count.Add(1) <= g.max }

func (g *connLimiter) release() { g.count.Add(-1) }

// Descriptors that are kept free: for each loop what it opens (poller, its wake-up, two ends of the waker) and the second one of
// those that are on their way to it; and some for accepting beyond the cap, files, logs and the runtime.
const (
	loopDescriptors  = 4 + maxEnrolling
	spareDescriptors = 24
)

// maxConnections is the number of connections that the descriptor limit leaves room for.
func maxConnections(loops int) (int64, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("eventloop: reading the descriptor limit: %w", err)
	}
	room := int64(min(limit.Cur, 1<<40)) - int64(openDescriptors()) - int64(loops*loopDescriptors) - spareDescriptors
	if room < 1 {
		return 0, fmt.Errorf("eventloop: a descriptor limit of %d leaves no room for connections with %d loops; raise it (ulimit -n)",
			limit.Cur, loops)
	}
	return room, nil
}

// openDescriptors is the number of descriptors in use, or a guess where the system does not tell.
func openDescriptors() int {
	for _, dir := range []string{"/proc/self/fd", "/dev/fd"} {
		if entries, err := os.ReadDir(dir); err == nil {
			return len(entries)
		}
	}
	return 16
}
