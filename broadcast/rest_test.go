package broadcast

import (
	"slices"
	"testing"
	"time"
)

// Two connections that have sent much are served in turn, an event of a third comes in between, and everything is done in the end.
func TestRestsTakeTurns(t *testing.T) {
	const events = 10
	r := newTestHub(t, Options{})
	l := r.loops[0]
	members := r.connectMany(restCopies/2, "room")
	var order []string
	rest := func(name string) func() bool {
		n := 0
		return func() bool {
			n++
			order = append(order, name)
			if err := r.app.Publish(l, []byte("room"), textFrame(name), 0); err != nil {
				t.Error(err)
			}
			return n < events
		}
	}
	l.Rest(rest("a"))
	l.Rest(rest("b"))
	l.Drain()
	if got := len(order); got != 2 {
		t.Fatalf("%d steps in one Drain, want 2: their deliveries are its share", got)
	}
	r.publish("room", "c", 0)
	r.drainAll()
	for i := 1; i < len(order); i++ {
		if order[i] == order[i-1] {
			t.Fatalf("not in turn: %v", order)
		}
	}
	got := members[0].texts()
	if len(got) != 2*events+1 || slices.Index(got, "c") > 4 {
		t.Errorf("%d events, in the order %v", len(got), got)
	}
}

// While a loop is behind, rests wait for a timer, and go on nevertheless: an operator's own events must not stop the clients' for
// good.
func TestRestsWaitForLoopsThatAreBehind(t *testing.T) {
	r := newTestHub(t, Options{Loops: 2})
	l, other := r.loops[0], r.loops[1]
	far := r.connect(1)
	r.subscribe(far, "room", "")
	r.publish("room", string(make([]byte, behind)), 0) // which loop 1 does not deliver yet
	steps, woken := 0, make(chan bool, 100)
	l.Attach(func() { woken <- true }, func() { woken <- false })
	l.Rest(func() bool { steps++; return steps < 3 })
	l.Drain()
	l.Drain()
	if steps > 1 {
		t.Errorf("%d steps although a loop is behind", steps)
	}
	for steps < 2 {
		select {
		case <-woken:
			l.Drain()
		case <-time.After(20 * time.Second):
			t.Fatal("no timer wakes the loop")
		}
	}
	other.Drain()
	for steps < 3 {
		l.Drain()
	}
	if len(l.rests) != 0 || l.resting() {
		t.Error("rests are left")
	}
}
