package broadcast

import (
	"slices"
	"time"
)

// How long one Drain may spend on walks, and after how many steps it reads the clock. A step that closes a connection
// takes about 10 microseconds.
const (
	walkSlice = time.Millisecond
	walkSteps = 8
)

// Walk calls step until it returns false: work on many connections of the loop, one connection a step. A Drain spends
// walkSlice on walks; what is left continues in the next Drain, after the loop has polled and served its sockets. The walks
// of a loop run one after another, in the order of the calls to Walk. A step may close any connection and call Walk. A step
// that panics is not called again before the next Drain, and must not fail twice on the same connection.
//
// Walk may be called where Drain or DrainUnlessScheduled follows: in a Task, in a walk, and in whatever a read causes.
func (l *Loop) Walk(step func() (more bool)) { l.walks = append(l.walks, step) }

// walk continues the walks for the time that the current Drain may still spend on them.
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

// walkedEnough reports whether the time for walks of the current Drain is over. It begins with the first step.
func (l *Loop) walkedEnough(now time.Time) bool {
	if l.walkUntil.IsZero() {
		l.walkUntil = now.Add(walkSlice)
	}
	return now.After(l.walkUntil)
}

// EachSubscriber walks over the connections of the loop that were added by Add: see Set.Walk.
func (l *Loop) EachSubscriber(visit func(s *Subscriber)) { l.subscribers.Walk(l, visit) }

// Set is the connections of one loop, or some of them, in no order. Add and Remove take constant time. It is owned by the
// loop. The zero value is empty.
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

// Place makes the struct that embeds it usable as an element of a Set.
type Place struct{ index int32 }

func (p *Place) indexInSet() *int32 { return &p.index }

// Add adds e, which must not be in the set. A walk that has begun does not visit it.
func (s *Set[E]) Add(e E) {
	*e.indexInSet() = int32(len(s.elements))
	s.elements = append(s.elements, e)
}

// Remove removes e, which must be in the set. The last element takes its place. If a walk has visited the last element but
// not e, the element that the walk would visit next takes the place of e instead, and the last element takes the place of
// that one.
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

// Walk calls visit once for every element that is in the set when the walk begins, except those that are removed before they
// are visited, whatever is added and removed meanwhile. See Loop.Walk for when visit is called. A set belongs to one loop,
// whose walks do not overlap, so the set stores the position of one walk only.
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
