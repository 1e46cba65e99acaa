package broadcast

import "time"

// timing is an event whose copies have been queued on a loop and not all been written.
type timing struct {
	tally *Tally
	at    time.Duration // when it was published, by sinceStart
	last  uint64        // its last copy is written when so many connections have been taken from dirty
}

// timings are the timings of a loop, oldest first, from index next on.
type timings struct {
	list []timing
	next int
}

func (t *timings) add(one timing) { t.list = append(t.list, one) }

// take removes and returns those whose last copy is written when so many connections have been taken. The result is valid until the
// next add.
func (t *timings) take(taken uint64) []timing {
	first := t.next
	for t.next < len(t.list) && t.list[t.next].last <= taken {
		t.next++
	}
	done := t.list[first:t.next]
	if t.next == len(t.list) {
		t.list, t.next = t.list[:0], 0
	} else if t.next >= maxSpareTimings {
		t.list, t.next = append([]timing(nil), t.list[t.next:]...), 0
	}
	return done
}

// maxSpareTimings is the largest capacity that is kept, and up to how many timings that were taken are.
const maxSpareTimings = 1024

// trim frees memory that grew in a burst.
func (t *timings) trim() {
	if len(t.list) == 0 && cap(t.list) > maxSpareTimings {
		t.list = nil
	}
}

// timeDeliveries counts how long the events took whose copies have all been written. A connection is written whole and in the order of
// dirty, so an event is done when the connections are that were in dirty when it was queued.
func (l *Loop) timeDeliveries() {
	if len(l.timings.list) == 0 {
		return
	}
	done := l.timings.take(l.taken)
	if len(done) == 0 {
		return
	}
	now := sinceStart()
	for _, one := range done {
		one.tally.Observe(l, deliveryTimes, now-one.at)
	}
}
