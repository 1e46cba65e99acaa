package webhook

import "sync"

// intake is the events that have been reported and not been sorted yet. It is filled from all loops, some of which hold a stripe
// meanwhile, so that it does nothing but append.
type intake struct {
	limit int // bytes

	mu    sync.Mutex
	list  []posted
	bytes int
	lost  int // for want of room
}

type posted struct {
	app   string
	event Event
	leave bool // see Leave
}

// add appends an event and reports whether it is the first one. What is left behind is never more than what there is, and has no limit.
func (in *intake) add(p posted) (first bool) {
	size := p.event.size()
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.bytes+size > in.limit && !p.leave {
		in.lost++
		return false
	}
	in.bytes += size
	in.list = append(in.list, p)
	return len(in.list) == 1
}

// take removes and returns all, and how many there was no room for.
func (in *intake) take() (list []posted, lost int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	list, lost = in.list, in.lost
	in.list, in.bytes, in.lost = nil, 0, 0
	return list, lost
}

func (in *intake) none() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.list) == 0
}
