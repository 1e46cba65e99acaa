package eventloop

import (
	"sync"
	"time"
)

// workerPool runs jobs that may wait, on a fixed number of goroutines with a queue of fixed length. Safe for concurrent use.
type workerPool struct {
	queue chan func()
	done  sync.WaitGroup

	mu      sync.RWMutex // guards stopped, and the queue against a send after its close
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

// submit queues the job, and reports false if the queue is full or the pool has been stopped.
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

// stop refuses new jobs and waits until all submitted ones have ended, or that time has passed: a job may wait for something that
// never happens. It may be called twice.
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
