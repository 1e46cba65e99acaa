package apps

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// eventLimit is a token bucket: events pass at a rate, and up to a second's worth of them at once. It is one number, the time at which
// the bucket is full again (the generic cell rate algorithm), so that all loops share it without a lock. A batch that is larger than the
// bucket passes when the bucket is full, and is paid for afterwards. Safe for concurrent use.
type eventLimit struct{ full atomic.Int64 } // nanoseconds since epoch

// take takes n events out of the bucket, or tells after what time they will be in it.
func (l *eventLimit) take(n, perSecond int, now time.Time) (wait time.Duration) {
	elapsed := int64(now.Sub(epoch))
	for {
		was := l.full.Load()
		begin := elapsed
		if was != 0 { // else nothing has been taken yet
			begin = max(was, elapsed)
		}
		next := begin + int64(n)*int64(time.Second)/int64(perSecond)
		if over := next - elapsed - int64(time.Second); over > 0 && begin > elapsed {
			return time.Duration(min(over, begin-elapsed))
		}
		if l.full.CompareAndSwap(was, next) {
			return 0
		}
	}
}

// limited reports whether the app publishes too much to publish n events more. It returns the answer then.
func (c *call) limited(n int) (refusal reply, limited bool) {
	if c.app.MaxEventsPerSecond <= 0 {
		return reply{}, false
	}
	wait := c.app.state.events.take(n, c.app.MaxEventsPerSecond, c.api.now())
	if wait == 0 {
		return reply{}, false
	}
	r := jsonError(http.StatusTooManyRequests, "the app publishes more than "+strconv.Itoa(c.app.MaxEventsPerSecond)+" events a second; try again")
	r.header, r.value = "Retry-After", []string{strconv.Itoa(int((wait + time.Second - 1) / time.Second))}
	return r, true
}
