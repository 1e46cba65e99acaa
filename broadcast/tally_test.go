package broadcast

import (
	"sync"
	"testing"
	"time"
)

// What loops and other goroutines count is added up, by app.
func TestTotals(t *testing.T) {
	r := newTestHub(t, Options{Loops: 2, Timed: true})
	for _, l := range r.loops {
		l.Attach(l.Drain, l.Drain)
	}
	ann, ben := r.connect(0), r.connect(1)
	r.subscribe(ann, "room", "")
	r.subscribe(ben, "room", "")
	r.subscribe(ben, "other", "")
	r.publish("room", "hello", 0)
	if err := r.app.Deliver([]byte("room"), textFrame("from elsewhere"), 0, 0); err != nil {
		t.Fatal(err)
	}
	r.Unknown.Count(nil, CountersAbove, 7)
	r.Unknown.Count(r.loops[1], CountersAbove, 1)

	s := r.Totals(time.Second)
	app, unknown := s.Apps[0], s.Apps[1]
	if app.App != "app" || app.Connections != 2 || unknown.App != "" || unknown.Counters[CountersAbove] != 8 {
		t.Errorf("%s has %d connections, and %q %d", app.App, app.Connections, unknown.App, unknown.Counters[CountersAbove])
	}
	for c, want := range map[Counter]uint64{Delivered: 4, FramesOut: 4, Subscriptions: 3, EventsCluster: 1} {
		if got := app.Counters[c]; got != want {
			t.Errorf("counter %d is %d, want %d", c, got, want)
		}
	}
	var timed uint64
	for _, n := range app.DeliveryTimes().Counts {
		timed += n
	}
	if timed != 4 { // two events on two loops
		t.Errorf("%d deliveries are timed, want 4", timed)
	}
	if n := s.Loops[0].Writes; s.Loops[0].Connections != 1 || n != 2 || s.Loops[0].Frames != 2 || s.Loops[0].Drains != 2 {
		t.Errorf("loop 0: %+v", s.Loops[0])
	}
	r.loops[1].Remove(ben.sub)
	if got := r.Totals(time.Second).Apps[0].Counters[Subscriptions]; got != 1 {
		t.Errorf("%d subscriptions are left, want 1", got)
	}
}

// A loop that does not answer is shown as it was, and the others as they are.
func TestTotalsOfAStuckLoop(t *testing.T) {
	r := newTestHub(t, Options{Loops: 2})
	for _, l := range r.loops {
		l.Attach(l.Drain, l.Drain)
	}
	r.app.Count(r.loops[0], Delivered, 1)
	r.app.Count(r.loops[1], Delivered, 10)
	if got := r.Totals(time.Second).Apps[0].Counters[Delivered]; got != 11 {
		t.Fatalf("%d, want 11", got)
	}
	r.app.Count(r.loops[0], Delivered, 100)
	r.app.Count(r.loops[1], Delivered, 1000)
	r.loops[1].Attach(func() {}, func() {})
	if got := r.Totals(0).Apps[0].Counters[Delivered]; got != 111 {
		t.Errorf("%d, want 111", got)
	}
}

// Several may ask at once.
func TestTotalsAtOnce(t *testing.T) {
	r := newTestHub(t, Options{Loops: 1})
	var mu sync.Mutex // what makes this goroutine or that one the loop
	r.loops[0].Attach(func() { mu.Lock(); r.loops[0].Drain(); mu.Unlock() }, func() {})
	var asking sync.WaitGroup
	for range 4 {
		asking.Go(func() {
			for range 100 {
				r.Totals(time.Second)
			}
		})
	}
	asking.Wait()
}

// A turn falls into its bucket, and the longest ones are forgotten after a while.
func TestTurns(t *testing.T) {
	var c LoopCounters
	for _, step := range []struct {
		d       time.Duration
		window  int64
		longest time.Duration
	}{
		{time.Millisecond, 1, time.Millisecond},
		{30 * time.Millisecond, 1, 30 * time.Millisecond},
		{2 * time.Millisecond, 2, 30 * time.Millisecond},
		{time.Millisecond, 3, 2 * time.Millisecond},
		{time.Microsecond, 7, time.Microsecond},
		{time.Hour, 7, time.Hour},
	} {
		c.add(step.d, step.window)
		if got := c.Longest(); got != step.longest {
			t.Errorf("after %v in window %d the longest is %v, want %v", step.d, step.window, got, step.longest)
		}
	}
	h := c.Histogram()
	if h.Counts[0] != 1 || h.Counts[4] != 2 || h.Counts[len(h.Bounds)] != 1 || c.Turns != 6 || h.Sum != c.Busy {
		t.Errorf("%+v", h)
	}
}
