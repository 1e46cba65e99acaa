package client

import (
	"reverbd/bench/internal/clock"
	"reverbd/bench/internal/epoll"
	"reverbd/bench/internal/latency"
)

// churn is connections that end and begin again.
type churn struct {
	timer    *epoll.Timer
	schedule latency.Schedule
	on       bool
	due      int // so many were due
	ended    int
	missed   int // messages that connections did not get between the first and the last that they got
}

// Churn ends the connections in turn, so many a second, and has each begin again at once, until StopChurn.
func (f *Fleet) Churn(perSecond float64) {
	f.poller.Call(func() {
		f.churn.on, f.churn.due = true, 0
		f.churn.schedule = latency.NewSchedule(clock.Now(), perSecond)
		f.churnDue()
	})
}

// StopChurn lets the connections be, and returns how many were ended.
func (f *Fleet) StopChurn() (ended int) {
	f.poller.Call(func() {
		f.churn.on = false
		ended = f.churn.ended
	})
	return ended
}

// Missed returns how many messages did not come to connections that were subscribed when they were published: those between
// two that came.
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

// renew ends a connection and begins it again. One that is not live is left alone.
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
