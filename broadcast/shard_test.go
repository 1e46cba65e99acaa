package broadcast

import (
	"fmt"
	"testing"
)

// A connection with many subscriptions finds them by a map, and searches linearly again when they are few.
func TestManySubscriptions(t *testing.T) {
	r := newTestHub(t, Options{})
	c, other := r.connect(0), r.connect(0)
	for i := range 3 * indexAbove {
		r.subscribe(c, fmt.Sprint("channel-", i), "")
		if i%3 == 0 {
			r.subscribe(other, fmt.Sprint("channel-", i), "")
		}
	}
	for i := range 3 * indexAbove {
		if i%2 == 0 {
			r.app.Unsubscribe(c.sub, fmt.Append(nil, "channel-", i))
		}
	}
	for i := range 3 * indexAbove {
		name := fmt.Sprint("channel-", i)
		if got, want := c.sub.Subscribed([]byte(name)), i%2 == 1; got != want {
			t.Errorf("%s: subscribed is %v", name, got)
		}
		r.publish(name, name, 0)
	}
	r.drainAll()
	if got := len(c.texts()); got != 3*indexAbove/2 {
		t.Errorf("received %d events", got)
	}
	if got := len(other.texts()); got != indexAbove {
		t.Errorf("the other received %d events", got)
	}
}

func BenchmarkDeliver(b *testing.B) {
	for _, n := range []int{1, 1000} {
		b.Run(fmt.Sprint(n, "-subscribers"), func(b *testing.B) {
			r := newTestHub(b, Options{})
			for range n {
				c := &discardConn{}
				c.sub = &Subscriber{}
				r.loops[0].Add(c.sub, 1, r.app, c)
				r.app.Subscribe(c.sub, []byte("a"), 0, nil)
			}
			f, channel := textFrame("a hundred bytes, more or less"), []byte("a")
			b.ReportAllocs()
			for b.Loop() {
				_ = r.app.Publish(nil, channel, f, 0)
				r.drainAll()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/copy")
		})
	}
}
