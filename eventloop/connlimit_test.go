package eventloop

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

func TestConnLimiter(t *testing.T) {
	g := &connLimiter{max: 2}
	for i, want := range []bool{true, true, false, false} {
		if got := g.acquire(); got != want {
			t.Errorf("connection %d: %v", i+1, got)
		}
	}
	g.release() // also for those that were refused
	g.release()
	if g.acquire() {
		t.Error("two are inside already")
	}
	g.release()
	g.release()
	if !g.acquire() {
		t.Error("one place is free")
	}
}

func TestConnLimiterIsExactForAllLoops(t *testing.T) {
	g := &connLimiter{max: 100}
	var inside atomic.Int64
	var loops sync.WaitGroup
	for range 8 {
		loops.Go(func() {
			for range 10_000 {
				if g.acquire() {
					if n := inside.Add(1); n > g.max {
						t.Errorf("%d inside", n)
					}
					inside.Add(-1)
				}
				g.release()
			}
		})
	}
	loops.Wait()
	if n := g.count.Load(); n != 0 {
		t.Errorf("%d are left", n)
	}
}

func TestMaxConnectionsLeavesDescriptorsFree(t *testing.T) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	one, err := maxConnections(1)
	if err != nil {
		t.Skip("few descriptors here:", err)
	}
	if one < 1 || uint64(one) > uint64(limit.Cur)-loopDescriptors-spareDescriptors {
		t.Errorf("%d connections with %d descriptors", one, limit.Cur)
	}
	if more, err := maxConnections(5); err != nil || more > one-3*loopDescriptors {
		t.Errorf("%d connections with one loop, %d with five, %v", one, more, err)
	}
	if _, err := maxConnections(1 << 30); err == nil || !strings.Contains(err.Error(), "ulimit -n") {
		t.Error(err)
	}
}
