package eventloop

import "time"

// The timer wheel of a loop: each connection is in the slot of the tick in which its timer fires. A timer that is due beyond the
// reach of the wheel fires after one round, finds that there is time left, and is scheduled again. The same happens when the
// client was heard meanwhile: that moves a deadline, and not the connection in the wheel.
const (
	tick       = 200 * time.Millisecond
	wheelSlots = 512
)

// timerWheel is loop-owned. The zero value is ready.
type timerWheel struct {
	slots   [wheelSlots]timerSlot
	current int // the slot of the current tick
}

// timerSlot is a doubly linked list of connections, in no order. The zero value is empty.
type timerSlot struct{ first *conn }

// schedule has the timer of c fire in about d, at most a tick earlier. c must not be scheduled.
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

// advance begins the next tick.
func (w *timerWheel) advance() { w.current = (w.current + 1) % wheelSlots }

// due takes one connection off the slot of the current tick, and returns nil when none is left in it. What is scheduled
// meanwhile is in another slot, so each connection is taken once a tick.
func (w *timerWheel) due() *conn {
	c := w.slots[w.current].first
	if c != nil {
		w.cancel(c)
	}
	return c
}
