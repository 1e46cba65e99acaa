package broadcast

import (
	"slices"
	"time"
)

// What one turn of a loop may spend on walks, in time, and after how many steps the clock is read. A step that closes a
// connection takes about 10 microseconds.
const (
	walkSlice = time.Millisecond
	walkSteps = 8
)

// Walk has step called until it returns false: work on many connections of the loop, one of them a step. A turn of the loop
// spends a millisecond on walks; what is left continues in the next turn, when the loop has polled and served its sockets. The
// walks of a loop run one after another, in the order in which they were asked for. A step may close any connection and ask for
// further walks. A step that panics is not called again before the next turn, and must not fail twice on the same connection.
//
// Walk may be called where Drain or DrainUnlessScheduled follows: in a Task, in a walk, and in whatever a read causes.
func (l *Loop) Walk(step func() (more bool)) { l.walks = append(l.walks, step) }

// walk continues the walks for what the current turn may still spend on them.
func (l *Loop) walk() {
	for n := 0; len(l.walks) > 0; n++ {
		if n%walkSteps == 0 && l.walkedEnough(time.Now()) {
			return
		}
		if more := l.walks[0](); !more {
			l.walks = slices.Delete(l.walks, 0, 1)
		}
	}
}

// walkedEnough reports whether the turn's time for walks is over. It begins with the first step.
func (l *Loop) walkedEnough(now time.Time) bool {
	if l.walkUntil.IsZero() {
		l.walkUntil = now.Add(walkSlice)
	}
	return now.After(l.walkUntil)
}

// EachSubscriber walks over the connections of the loop that were added by Add: see Set.Walk.
func (l *Loop) EachSubscriber(visit func(s *Subscriber)) { l.subscribers.Walk(l, visit) }

// Set is the connections of one loop, or some of them, in no order. Add and Remove take constant time. It is loop-owned. The zero
// value is empty.
//
// It is a slice in which each element knows its index: an intrusive list would cost each connection 16 bytes more.
type Set[E placed] struct {
	elements []E
	next     int // of a walk: the elements below are still to be visited; 0 without one
}

// placed is an element of a Set. It embeds Place, or has an index of its own.
type placed interface {
	comparable
	indexInSet() *int32
}

// Place is embedded in what is to be an element of a Set.
type Place struct{ index int32 }

func (p *Place) indexInSet() *int32 { return &p.index }

// Len is the number of elements.
func (s *Set[E]) Len() int { return len(s.elements) }

// Add puts in e, which must not be in the set. A walk that has begun does not visit it.
func (s *Set[E]) Add(e E) {
	*e.indexInSet() = int32(len(s.elements))
	s.elements = append(s.elements, e)
}

// Remove takes out e, which must be in the set. The last element takes its place. If a walk has visited that one and not e, its
// next element goes there instead, and the last one behind those that are still to be visited.
func (s *Set[E]) Remove(e E) {
	hole, last := int(*e.indexInSet()), len(s.elements)-1
	if hole < s.next {
		s.next--
		s.move(s.next, hole)
		hole = s.next
	}
	s.move(last, hole)
	var none E
	s.elements[last] = none
	s.elements = s.elements[:last]
}

func (s *Set[E]) move(from, to int) {
	if from == to {
		return // the element that is there may have been moved already
	}
	e := s.elements[from]
	s.elements[to] = e
	*e.indexInSet() = int32(to)
}

// Walk has visit called for every element that is in the set when the walk begins, except those that have been removed before
// their turn: once for each, whatever is added and removed meanwhile. See Loop.Walk for when that is. A set belongs to one loop,
// whose walks do not overlap, so it needs to remember the position of one walk only.
func (s *Set[E]) Walk(l *Loop, visit func(E)) {
	begun := false
	l.Walk(func() bool {
		if !begun {
			begun, s.next = true, len(s.elements)
		}
		if s.next == 0 {
			return false
		}
		s.next--
		visit(s.elements[s.next])
		return s.next > 0
	})
}
