package broadcast

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// taskFunc is a Task made of a function.
type taskFunc func()

func (f taskFunc) Run() { f() }

// spin keeps the loop busy for the time that a turn may spend on walks.
func spin() {
	for begin := time.Now(); time.Since(begin) <= walkSlice; {
	}
}

// Between two slices of a walk the loop polls, and carries out what has been posted.
func TestWalkYields(t *testing.T) {
	r := newTestHub(t, Options{})
	l := r.loops[0]
	steps, posted := 0, -1
	l.Post(taskFunc(func() {
		l.Walk(func() bool {
			spin()
			steps++
			return steps < 3*walkSteps
		})
	}))
	l.Drain()
	if steps != walkSteps || r.rescheduled[0] != 1 {
		t.Fatalf("%d steps in the first turn, %d calls of reschedule", steps, r.rescheduled[0])
	}
	l.Post(taskFunc(func() { posted = steps }))
	if r.woken[0] != 1 {
		t.Errorf("woken %d times, though it is awake", r.woken[0])
	}
	l.DrainUnlessScheduled()
	if steps != walkSteps {
		t.Error("walks on without having polled")
	}
	r.drainAll()
	if steps != 3*walkSteps || posted < walkSteps || posted == steps {
		t.Errorf("the task ran after step %d of %d", posted, steps)
	}
	if turns := r.rescheduled[0]; turns != 0 {
		t.Errorf("%d more turns with nothing to do", turns)
	}
	l.Post(taskFunc(func() { posted = 0 }))
	if r.drainAll(); posted != 0 {
		t.Error("the loop cannot be woken any more")
	}
}

// Walks run one after another. A step may ask for another walk, and a panic ends the turn and not the walk.
func TestWalksKeepTheirOrder(t *testing.T) {
	r := newTestHub(t, Options{})
	l := r.loops[0]
	var got []string
	walk := func(name string) func() bool {
		n := 0
		return func() bool {
			n++
			got = append(got, fmt.Sprint(name, n))
			if name == "a" && n == 1 {
				l.Walk(func() bool { got = append(got, "c"); return false })
				panic("on purpose")
			}
			return n < 3
		}
	}
	l.Walk(walk("a"))
	l.Walk(walk("b"))
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic is lost")
			}
		}()
		l.Drain()
	}()
	l.Drain()
	if want := []string{"a1", "a2", "a3", "b1", "b2", "b3", "c"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// element is one of a Set.
type element struct {
	Place
	visits int
	state  string // "there" when the walk begins, then "removed", or "added"
}

// TestSetWalkModel visits every element once that is there at the beginning and not removed before its turn, and no other one,
// whatever is added and removed in visits and between them.
func TestSetWalkModel(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		l := newTestHub(t, Options{}).loops[0]
		var set Set[*element]
		var in, all []*element
		add := func(state string) {
			e := &element{state: state}
			in, all = append(in, e), append(all, e)
			set.Add(e)
		}
		remove := func(e *element) {
			e.state = "removed"
			in = slices.DeleteFunc(in, func(other *element) bool { return other == e })
			set.Remove(e)
		}
		change := func() {
			for range random.IntN(4) {
				if random.IntN(3) == 0 {
					add("added")
				} else if len(in) > 0 {
					remove(in[random.IntN(len(in))])
				}
			}
		}
		for range random.IntN(60) {
			add("there")
		}
		set.Walk(l, func(e *element) {
			if e.state != "there" {
				t.Fatalf("seed %d: visits what is %s", seed, e.state)
			}
			e.visits++
			if random.IntN(3) == 0 {
				remove(e)
			}
			change()
		})
		for l.walks[0]() {
			change()
		}
		for _, e := range all {
			if e.state == "there" && e.visits != 1 || e.visits > 1 {
				t.Fatalf("seed %d: %d visits of what is %s", seed, e.visits, e.state)
			}
		}
		if len(set.elements) != len(in) || set.next != 0 {
			t.Fatalf("seed %d: %d elements, want %d; the walk is at %d", seed, len(set.elements), len(in), set.next)
		}
		for _, e := range in {
			if set.elements[e.index] != e {
				t.Fatalf("seed %d: an element is not where its index says", seed)
			}
		}
	}
}

func TestEachSubscriber(t *testing.T) {
	r := newTestHub(t, Options{Loops: 2})
	want := map[Conn]int{}
	for i := range 100 {
		if c := r.connect(i % 2); i%2 == 0 {
			want[c]++
		}
	}
	r.loops[0].Post(taskFunc(func() {
		r.loops[0].EachSubscriber(func(s *Subscriber) {
			want[s.Conn()]--
			s.Close(1000, "")
		})
	}))
	r.drainAll()
	for _, n := range want {
		if n != 0 {
			t.Fatal("a connection was missed, or visited twice")
		}
	}
	if len(want) != 50 || len(r.loops[1].subscribers.elements) != 50 {
		t.Error("visited connections of another loop")
	}
}
