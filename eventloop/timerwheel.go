package eventloop

import "time"

// The timer wheel of a loop: a connection hangs in the slot in which it is to be looked at. One that is due later than
// the wheel reaches is looked at when the wheel has gone round, and put back. A deadline that moves because the client
// was heard is not moved in the wheel: the look finds that there is time left.
const (
	tick       = 200 * time.Millisecond
	wheelSlots = 512
)

// timerWheel is loop-owned. The zero value is ready.
type timerWheel struct {
	slots   [wheelSlots]timerSlot
	current int // the slot of the current tick
}

// timerSlot is a ring of connections with no order. The zero value is empty.
type timerSlot struct{ first *conn }

// schedule has c looked at in about d, at most a tick earlier. c must not be scheduled.
func (w *timerWheel) schedule(c *conn, d time.Duration) {
	ticks := min(max(int((d+tick-1)/tick), 1), wheelSlots-1)
	c.slot = int16((w.current + ticks) % wheelSlots)
	list := &w.slots[c.slot]
	c.prev, c.next = nil, list.first
	if list.first != nil {
		list.first.prev = c
	}
	list.first = c
	c.scheduled = true
}

// cancel takes c off the wheel, if it is on it.
func (w *timerWheel) cancel(c *conn) {
	if !c.scheduled {
		return
	}
	c.scheduled = false
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		w.slots[c.slot].first = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	}
	c.prev, c.next = nil, nil
}

// advance moves on by one slot and looks at every connection there. look says how long the next look may wait; it may
// close any connection.
func (w *timerWheel) advance(look func(*conn) time.Duration) {
	w.current = (w.current + 1) % wheelSlots
	list := &w.slots[w.current]
	for c := list.first; c != nil; c = list.first {
		w.cancel(c)
		if d := look(c); c.state != stateClosed && !c.scheduled {
			w.schedule(c, d)
		}
	}
}

// forEach calls f for every connection on the wheel. f may close the one it is given.
func (w *timerWheel) forEach(f func(*conn)) {
	for i := range w.slots {
		for c := w.slots[i].first; c != nil; {
			next := c.next
			f(c)
			c = next
		}
	}
}
