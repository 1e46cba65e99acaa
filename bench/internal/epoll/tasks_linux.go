package epoll

import "golang.org/x/sys/unix"

// Do queues task for the poller's goroutine. It is safe for concurrent use; after Close it does nothing.
func (p *Poller) Do(task func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tasks = append(p.tasks, task)
	if len(p.tasks) == 1 && !p.closed {
		_, _ = unix.Write(p.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}) // it fails only when the counter would overflow; then the poller is awake
	}
}

// Call is Do, and waits until task has returned. The poller's own goroutine must not call it.
func (p *Poller) Call(task func()) {
	done := make(chan struct{})
	p.Do(func() {
		defer close(done)
		task()
	})
	<-done
}

// Stop ends Run after the current batch. It is safe for concurrent use.
func (p *Poller) Stop() { p.Do(func() { p.stopped = true }) }

// tasks is the handler of the eventfd that Do writes to.
type tasks struct{ poller *Poller }

func (t tasks) Ready(uint32) {
	var count [8]byte
	_, _ = unix.Read(t.poller.wake, count[:]) // resets the counter
	t.poller.mu.Lock()
	due := t.poller.tasks
	t.poller.tasks = nil
	t.poller.mu.Unlock()
	for _, task := range due {
		task()
	}
}
