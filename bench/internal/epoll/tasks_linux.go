package epoll

import "golang.org/x/sys/unix"

// Do has task called by the poller's goroutine, as soon as it is in Run and free. It may be called from anywhere, at any
// time; after Close nothing happens.
func (p *Poller) Do(task func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tasks = append(p.tasks, task)
	if len(p.tasks) == 1 && !p.closed {
		_, _ = unix.Write(p.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}) // fails only if it would overflow, and then it is awake
	}
}

// Call has task called like Do, and waits until that has happened. The poller's own goroutine must not call it.
func (p *Poller) Call(task func()) {
	done := make(chan struct{})
	p.Do(func() {
		defer close(done)
		task()
	})
	<-done
}

// Stop ends Run after the current batch. It may be called from anywhere.
func (p *Poller) Stop() { p.Do(func() { p.stopped = true }) }

// tasks is the handler of the descriptor that Do rings.
type tasks struct{ poller *Poller }

func (t tasks) Ready(uint32) {
	var count [8]byte
	_, _ = unix.Read(t.poller.wake, count[:]) // empties it; there is nothing to learn from it
	t.poller.mu.Lock()
	due := t.poller.tasks
	t.poller.tasks = nil
	t.poller.mu.Unlock()
	for _, task := range due {
		task()
	}
}
