package eventloop

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestWorkersDoEverythingSubmitted(t *testing.T) {
	w := startWorkerPool(4, 1000)
	var done atomic.Int64
	for range 1000 {
		if !w.submit(func() { done.Add(1) }) {
			t.Error("no room in a queue that is as long")
		}
	}
	w.stop(time.Minute)
	if n := done.Load(); n != 1000 {
		t.Errorf("%d of 1000 done", n)
	}
}

func TestWorkersRefuseWhatDoesNotFit(t *testing.T) {
	w := startWorkerPool(1, 2)
	begun, release := make(chan struct{}), make(chan struct{})
	if !w.submit(func() { close(begun); <-release }) {
		t.Fatal("refused")
	}
	<-begun
	for i, want := range []bool{true, true, false, false} {
		if got := w.submit(func() {}); got != want {
			t.Errorf("job %d after the one that runs: %v", i+1, got)
		}
	}
	close(release)
	w.stop(time.Minute)
}

// Every job that was accepted is done, none is accepted after stop, and stop may be called twice at the same time.
func TestWorkersStopWhileJobsCome(t *testing.T) {
	w := startWorkerPool(2, 100)
	var taken, done atomic.Int64
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 1000 {
				if w.submit(func() { done.Add(1) }) {
					taken.Add(1)
				}
			}
		})
	}
	all.Go(func() { w.stop(time.Minute) })
	all.Go(func() { w.stop(time.Minute) })
	all.Wait()
	if w.submit(func() { t.Error("done after stop") }) {
		t.Error("accepted after stop")
	}
	if taken.Load() != done.Load() {
		t.Errorf("%d taken, %d done", taken.Load(), done.Load())
	}
}

// A job that never ends does not hold up stop.
func TestWorkersStopWithoutThoseThatHang(t *testing.T) {
	w := startWorkerPool(1, 1)
	release := make(chan struct{})
	defer w.stop(time.Minute)
	defer close(release)
	if !w.submit(func() { <-release }) {
		t.Fatal("refused")
	}
	w.stop(0)
}
