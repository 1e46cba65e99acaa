package client

import (
	"time"

	"reverbd/bench/internal/clock"
)

// retryAfter is how long a client waits before it tries again to come back.
const retryAfter = 500 * time.Millisecond

// retry is a connection that tries again.
type retry struct {
	c  *conn
	at int64 // by clock.Now
}

// Storm ends all connections at once, and begins all of them again at once. One that is refused tries again after half a
// second, for as long as it takes. What they were told before is forgotten. Progress and Connected tell when they are back.
func (f *Fleet) Storm() (begun int64) {
	begun = clock.Now()
	f.poller.Call(func() {
		for i := range f.conns {
			f.conns[i].close()
		}
		f.ramp = ramp{timer: f.ramp.timer, total: len(f.conns), most: len(f.conns), retries: true, last: begun}
		f.now.live, f.now.refused = 0, 0
		f.publish()
		f.connectMore()
	})
	return begun
}

// tryLater has a refused connection begin again after a while.
func (f *Fleet) tryLater(c *conn, why error) {
	f.outcome.Retries.add(why)
	r := &f.ramp
	r.again = append(r.again, retry{c, clock.Now() + int64(retryAfter)})
	if len(r.again) == 1 {
		r.timer.Set(r.again[0].at)
	}
}

// connectAgain begins what is due of the connections that were refused.
func (f *Fleet) connectAgain() {
	r := &f.ramp
	for len(r.again) > 0 {
		first := r.again[0]
		if first.at > clock.Now() {
			r.timer.Set(first.at)
			return
		}
		r.again = r.again[1:]
		r.pending++
		first.c.connect()
	}
}
