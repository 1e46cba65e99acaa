package broadcast

import (
	"slices"
	"time"
)

// A connection may send faster than its loop can do what it asks for. What it causes beyond the budget of a turn is a rest, which
// the Drains that follow do, a slice each: see Rest.
const (
	restSlice  = time.Millisecond     // of one Drain
	restCopies = 2048                 // deliveries that the rests of one Drain may cause
	behind     = 256 << 10            // bytes in a mailbox above which rests wait
	behindWait = 5 * time.Millisecond // after which one step is made although a loop is behind
)

// Caused is the number of deliveries, on all loops, that publishes on this loop have caused.
func (l *Loop) Caused() int { return l.caused }

// Rest calls step in later Drains until it returns false, in turn with the other rests of the loop. A step should take no more than
// half a millisecond. Rests wait while any loop is behind with its deliveries, so that those who share the channels of a fast sender
// wait for what has been published, and not for all that it has sent. It may be called where Walk may be.
func (l *Loop) Rest(step func() (more bool)) { l.rests = append(l.rests, step) }

// doRests makes steps of rests for the slice of one Drain.
func (l *Loop) doRests() {
	if len(l.rests) == 0 {
		return
	}
	now, caused := time.Now(), l.caused
	late := l.anyBehind()
	if late && now.Sub(l.rested) < behindWait {
		l.restLater()
		return
	}
	l.rested = now
	for len(l.rests) > 0 {
		step := l.rests[0]
		l.rests = slices.Delete(l.rests, 0, 1)
		if step() {
			l.rests = append(l.rests, step)
		}
		if late || l.caused-caused >= restCopies || time.Since(now) >= restSlice {
			return
		}
	}
}

// resting reports whether the next Drain has rests to do. If a loop is behind, they wait for a timer.
func (l *Loop) resting() bool { return len(l.rests) > 0 && !l.restTimer }

// anyBehind reports whether much waits in the mailbox of any loop, this one included.
func (l *Loop) anyBehind() bool {
	for _, other := range l.peers {
		if other.mailbox.bytes.Load() > behind {
			return true
		}
	}
	return false
}

// restLater wakes the loop when the loops that are behind may have caught up.
func (l *Loop) restLater() {
	if !l.restTimer {
		l.restTimer = true
		time.AfterFunc(behindWait, func() { l.Post(restTask{l}) })
	}
}

// restTask has the loop drain.
type restTask struct{ loop *Loop }

// Run implements Task.
func (t restTask) Run() { t.loop.restTimer = false }
