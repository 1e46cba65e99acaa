package client

import (
	"time"

	"reverbd/bench/internal/clock"
)

// retryAfter is the time between two attempts of a client to reconnect.
const retryAfter = 500 * time.Millisecond

// retry is a refused connection that is tried again at a time.
type retry struct {
	c  *conn
	at int64 // by clock.Now
}

// Storm closes all connections at once, and connects all of them again at once. A refused connection is tried again every half
// second without limit. Progress and Connected show when they are live again.
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

// tryLater schedules another attempt of a refused connection.
func (f *Fleet) tryLater(c *conn, why error) {
	f.outcome.Retries.add(why)
	r := &f.ramp
	r.again = append(r.again, retry{c, clock.Now() + int64(retryAfter)})
	if len(r.again) == 1 {
		r.timer.Set(r.again[0].at)
	}
}

// connectAgain begins the attempts that are due.
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
