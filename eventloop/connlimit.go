package eventloop

import (
	"fmt"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// connLimiter keeps the number of connections below the descriptor limit. Without it accept would fail, and clients would wait in the
// accept queue instead of being refused. Safe for concurrent use.
type connLimiter struct {
	max   int64
	count atomic.Int64
}

// acquire counts a connection, and reports whether there is room for it. Every call needs a release, whatever it returned.
func (g *connLimiter) acquire() bool { return g.count.Add(1) <= g.max }

func (g *connLimiter) release() { g.count.Add(-1) }

// Descriptors that are kept free. Each loop opens four (poller, its eventfd, two ends of the waker), and each connection that is on its
// way to it has a second one. The spare ones are for accepting beyond the limit, for files, logs and the runtime.
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
