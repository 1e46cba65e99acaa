package client

import (
	"reverbd/bench/internal/clock"
	"reverbd/bench/internal/epoll"
	"reverbd/bench/internal/latency"
)

// maxPending is how many connections may be between the SYN and the last subscription. Accept queues are seldom shorter than this;
// when one overflows, the client waits a second before the SYN is sent again.
const maxPending = 128

// ramp connects a fleet: with at most a number of connections pending, or at a rate.
type ramp struct {
	timer    *epoll.Timer
	next     int // the next connection to begin
	total    int
	pending  int
	most     int     // limit of pending
	retries  bool    // refused connections are tried again
	again    []retry // refused connections to try again, in the order in which they are due
	rated    bool
	schedule latency.Schedule
	last     int64 // when the last connection became live, by clock.Now
}

// Connect begins to connect all connections, perSecond a second, or as fast as the server accepts them if that is 0. Progress shows
// when they are live.
func (f *Fleet) Connect(perSecond float64) {
	f.poller.Call(func() {
		r := &f.ramp
		*r = ramp{timer: r.timer, total: len(f.conns), most: max(1, maxPending/max(1, f.options.Share.Of)), rated: perSecond > 0, last: clock.Now()}
		if r.rated {
			r.schedule = latency.NewSchedule(clock.Now(), perSecond)
		}
		f.now.live, f.now.refused = 0, 0
		f.publish()
		f.connectMore()
	})
}

// Connected returns when the last connection became live, by clock.Now.
func (f *Fleet) Connected() (at int64) {
	f.poller.Call(func() { at = f.ramp.last })
	return at
}

// connectMore begins the connections that are due.
func (f *Fleet) connectMore() {
	f.connectAgain()
	r := &f.ramp
	for r.next < r.total {
		switch {
		case r.rated && r.schedule.Due(r.next) > clock.Now():
			r.timer.Set(r.schedule.Due(r.next))
			return
		case !r.rated && r.pending >= r.most:
			return
		}
		r.next++
		r.pending++
		f.conns[r.next-1].connect()
	}
}

// connectedOne counts a connection that has become live.
func (f *Fleet) connectedOne() {
	f.ramp.pending--
	f.ramp.last = clock.Now()
	f.now.live++
	f.connectMore()
}

// refusedOne counts a connection that failed before it was live.
func (f *Fleet) refusedOne(c *conn, why error) {
	f.ramp.pending--
	if f.ramp.retries {
		f.tryLater(c, why)
		return
	}
	f.now.refused++
	f.outcome.Refusals.add(why)
	// connectMore may be running already: let it run again later.
	f.poller.Do(f.connectMore)
}

// lostOne counts a live connection that has ended.
func (f *Fleet) lostOne(why error) {
	f.now.live--
	f.now.lost++
	f.outcome.Losses.add(why)
}
