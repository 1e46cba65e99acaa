package apps

import (
	"sync/atomic"
	"time"
)

// thinInterval is the time between two lines of a log for one reason.
const thinInterval = 10 * time.Second

// thinned allows one line of a log in thinInterval for each of some reasons, and counts what is left out. Safe for concurrent use. The
// zero value is ready.
type thinned struct {
	reasons [32]struct {
		next    atomic.Int64 // when the next line is allowed, by elapsed
		leftOut atomic.Int64
	}
}

// allow reports whether a line may be logged, and how many have been left out since the last one.
func (t *thinned) allow(reason int) (leftOut int64, ok bool) {
	r := &t.reasons[reason%len(t.reasons)]
	now := int64(time.Since(epoch)) + 1
	next := r.next.Load()
	if now < next || !r.next.CompareAndSwap(next, now+int64(thinInterval)) {
		r.leftOut.Add(1)
		return 0, false
	}
	return r.leftOut.Swap(0), true
}
