package client

import (
	"reverbd/bench/internal/clock"
	"reverbd/bench/internal/epoll"
	"reverbd/bench/internal/latency"
)

// churn closes connections in turn and connects them again.
type churn struct {
	timer    *epoll.Timer
	schedule latency.Schedule
	on       bool
	due      int // reconnects that were due so far
	ended    int
	missed   int // messages lost between the first and the last that a connection received
}

// Churn closes perSecond connections a second, in turn, and connects each again at once, until StopChurn.
func (f *Fleet) Churn(perSecond float64) {
	f.poller.Call(func() {
		f.churn.on, f.churn.due = true, 0
		f.churn.schedule = latency.NewSchedule(clock.Now(), perSecond)
		f.churnDue()
	})
}

// StopChurn stops Churn, and returns how many connections were closed.
func (f *Fleet) StopChurn() (ended int) {
	f.poller.Call(func() {
		f.churn.on = false
		ended = f.churn.ended
	})
	return ended
}

// Missed returns how many messages were lost between the first and the last that each connection received: the connection was
// certainly subscribed when these were published.
func (f *Fleet) Missed() (n int) {
	f.poller.Call(func() {
		n = f.churn.missed
		for i := range f.conns {
			n += f.conns[i].receiver.Missed()
		}
	})
	return n
}

func (f *Fleet) churnDue() {
	h := &f.churn
	for h.on && len(f.conns) > 0 {
		due := h.schedule.Due(h.due)
		if due > clock.Now() {
			h.timer.Set(due)
			return
		}
		f.renew(&f.conns[h.due%len(f.conns)])
		h.due++
	}
}

// renew closes a live connection and connects it again.
func (f *Fleet) renew(c *conn) {
	if c.state != live {
		return
	}
	f.churn.missed += c.receiver.Missed()
	f.churn.ended++
	c.close()
	f.now.live--
	f.ramp.pending++
	c.connect()
}
