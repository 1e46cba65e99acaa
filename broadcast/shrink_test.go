package broadcast

import (
	"fmt"
	"testing"
)

// A connection with very many subscriptions ends without holding the loop: nothing more is written to it at once, and its
// subscriptions are removed in later turns, while events of its channels are delivered to others.
func TestRemoveOfManySubscriptions(t *testing.T) {
	const channels = 10 * maxUnsubscribe
	r := newTestHub(t, Options{})
	l := r.loops[0]
	many, other := r.connect(0), r.connect(0)
	for i := range channels {
		r.subscribe(many, fmt.Sprint("c", i), "")
	}
	for _, i := range []int{0, channels - 1} {
		r.subscribe(other, fmt.Sprint("c", i), "")
	}
	l.Remove(many.sub)
	if left := channels - len(many.sub.subs); left > maxUnsubscribe {
		t.Errorf("%d subscriptions were removed at once", left)
	}
	r.publish("c0", "first", 0)
	r.publish(fmt.Sprint("c", channels-1), "last", 0)
	r.publish("c1", "nobody", 0)
	l.Drain()
	r.drainAll()
	if len(many.frames) != 0 {
		t.Error("an event was written to the connection that has ended")
	}
	if got := other.texts(); len(got) != 2 {
		t.Errorf("the other got %q", got)
	}
	if n := len(l.shard); n != 2 || len(many.sub.subs) != 0 || l.queued != 0 {
		t.Errorf("%d channels are left of the 2 of the other, %d subscriptions, %d bytes queued", n, len(many.sub.subs), l.queued)
	}
	l.Remove(many.sub) // again, as after a failing write
}

// Where a burst of channels has passed, its maps take no memory any longer.
func TestMapsShrink(t *testing.T) {
	r := newTestHub(t, Options{})
	l := r.loops[0]
	c := r.connect(0)
	const channels = 40 * minShrink
	for i := range channels {
		r.subscribe(c, fmt.Sprint("c", i), "")
	}
	l.Trim()
	peak := 0
	for i := range r.app.stripes {
		st := &r.app.stripes[i]
		st.topics, st.peak = shrunk(st.topics, &st.peak), max(st.peak, minShrink) // as if there were 256 times as many
		peak += len(st.topics)
	}
	if peak != channels || l.shardPeak != channels {
		t.Fatalf("%d topics, %d in the shard, want %d", peak, l.shardPeak, channels)
	}
	for i := 3; i < channels; i++ {
		r.app.Unsubscribe(c.sub, fmt.Append(nil, "c", i))
	}
	l.Trim()
	r.Sweep()
	if l.shardPeak != 3 || len(l.shard) != 3 {
		t.Errorf("the shard has %d channels and room for %d", len(l.shard), l.shardPeak)
	}
	for i := range r.app.stripes {
		if st := &r.app.stripes[i]; st.peak != len(st.topics) {
			t.Fatalf("a stripe has %d topics and room for %d", len(st.topics), st.peak)
		}
	}
	r.publish("c0", "x", 0)
	if r.drainAll(); len(c.texts()) != 1 {
		t.Error("the channels that are left do not work")
	}
}
