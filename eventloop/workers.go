package eventloop

import (
	"sync"
	"time"
)

// workerPool runs what a loop must not wait for, on a fixed number of goroutines behind a queue of fixed length.
type workerPool struct {
	queue chan func()
	done  sync.WaitGroup

	mu      sync.RWMutex // guards stopped, and the queue against being closed while something is put in
	stopped bool
}

func startWorkerPool(n, queue int) *workerPool {
	w := &workerPool{queue: make(chan func(), queue)}
	for range n {
		w.done.Go(func() {
			for job := range w.queue {
				job()
			}
		})
	}
	return w
}

// submit reports whether there was room for the job.
func (w *workerPool) submit(job func()) bool {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.stopped {
		return false
	}
	select {
	case w.queue <- job:
		return true
	default:
		return false
	}
}

// stop takes nothing more and waits until everything submitted has been done, or that time has passed: a job may wait for
// something that never comes. It may be called twice.
func (w *workerPool) stop(within time.Duration) {
	w.mu.Lock()
	if !w.stopped {
		w.stopped = true
		close(w.queue)
	}
	w.mu.Unlock()
	done := make(chan struct{})
	go func() {
		w.done.Wait()
		close(done)
	}()
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}
