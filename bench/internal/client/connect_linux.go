package client

import (
	"reverbd/bench/internal/clock"
	"reverbd/bench/internal/epoll"
	"reverbd/bench/internal/latency"
)

// maxPending is how many connections may be between the first SYN and the last subscription. A server's queue of connections
// to accept is seldom shorter than this, and when it overflows a client waits for a second.
const maxPending = 128

// ramp is the connecting of a fleet: as many as may be pending at once, or at a rate.
type ramp struct {
	timer    *epoll.Timer
	next     int // the next connection to begin
	total    int
	pending  int
	most     int     // that may be pending
	retries  bool    // a connection that is refused tries again
	again    []retry // those that will, the first due first
	rated    bool
	schedule latency.Schedule
	last     int64 // when the last connection came to be live, by clock.Now
}

// Connect begins to connect all connections that are not, perSecond a second, or if that is 0 as fast as the server takes
// them. Progress tells when they are.
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

// Connected returns when the last connection came to be live, by clock.Now.
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

// connectedOne is told of a connection that has come to be live.
func (f *Fleet) connectedOne() {
	f.ramp.pending--
	f.ramp.last = clock.Now()
	f.now.live++
	f.connectMore()
}

// refusedOne is told of a connection that will not come to be live.
func (f *Fleet) refusedOne(c *conn, why error) {
	f.ramp.pending--
	if f.ramp.retries {
		f.tryLater(c, why)
		return
	}
	f.now.refused++
	f.refusals.add(why)
	// Not connectMore, which may be what is running: the next one begins once this one's failure has been handled.
	f.poller.Do(f.connectMore)
}

// lostOne is told of a live connection that has ended.
func (f *Fleet) lostOne(why error) {
	f.now.live--
	f.now.lost++
	f.losses.add(why)
}
