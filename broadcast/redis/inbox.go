package redis

import "sync"

// inbox is a list that any goroutine may append to and one goroutine takes from. Its lock is a leaf: nothing is locked while it is held.
type inbox[T any] struct {
	mu      sync.Mutex
	list    []T
	changed chan struct{} // receives after every add; one element stands for all that were added since the last take
}

func newInbox[T any]() *inbox[T] { return &inbox[T]{changed: make(chan struct{}, 1)} }

func (in *inbox[T]) add(v T) {
	in.mu.Lock()
	in.list = append(in.list, v)
	in.mu.Unlock()
	notify(in.changed)
}

func (in *inbox[T]) take() []T {
	in.mu.Lock()
	defer in.mu.Unlock()
	list := in.list
	in.list = nil
	return list
}

func (in *inbox[T]) empty() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.list) == 0
}

// notify sends to a channel with room for one element, unless one is there.
func notify(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// isClosed reports whether a channel that nothing is sent to is closed.
func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
