package broadcast

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"reverbd/protocol/pusher"
)

func TestDrainCoalescesWrites(t *testing.T) {
	r := newTestHub(t, Options{})
	c := r.connect(0)
	r.subscribe(c, "a", "")
	r.subscribe(c, "b", "")
	for i := range 10 {
		r.publish([]string{"a", "b"}[i%2], fmt.Sprint(i), 0)
	}
	r.drainAll()
	if c.writes != 1 {
		t.Errorf("%d writes for ten events that waited, expected one", c.writes)
	}
	if got := strings.Join(c.texts(), ""); got != "0123456789" {
		t.Errorf("received %s", got)
	}
}

func TestDrainWritesLargeFramesAlone(t *testing.T) {
	r := newTestHub(t, Options{})
	c := r.connect(0)
	r.subscribe(c, "a", "")
	large := strings.Repeat("x", coalesceBytes+1)
	texts := []string{"1", "2", large, "3", strings.Repeat("y", coalesceBytes-100), strings.Repeat("z", 200)}
	for _, text := range texts {
		r.publish("a", text, 0)
	}
	r.drainAll()
	if got := c.texts(); !slices.Equal(got, texts) {
		t.Errorf("received %d frames, not the %d published in their order", len(got), len(texts))
	}
}

// A drain stops when its budget is used and asks for another one; what is published in between leaves in one write with
// what still waits.
func TestDrainYields(t *testing.T) {
	r := newTestHub(t, Options{})
	conns := r.connectMany(3*minBudget, "a")
	r.publish("a", "1", 0)
	r.loops[0].Drain()
	writes := 0
	for _, c := range conns {
		writes += c.writes
	}
	if writes != minBudget || r.rescheduled[0] != 1 {
		t.Fatalf("the first drain wrote %d times and asked %d times for another drain", writes, r.rescheduled[0])
	}
	r.publish("a", "2", 0)
	r.loops[0].DrainUnlessScheduled()
	if r.rescheduled[0] != 1 {
		t.Error("a read drained although a drain was scheduled")
	}
	r.drainAll()
	coalesced := 0
	for i, c := range conns {
		if c.writes == 1 {
			coalesced++
		}
		if got := strings.Join(c.texts(), ""); got != "12" {
			t.Errorf("connection %d received %s", i, got)
		}
	}
	if coalesced != len(conns)-minBudget {
		t.Errorf("%d connections got both events in one write", coalesced)
	}
}

// The write budget is small while events keep coming, and grows while none come.
func TestWriteBudgetGrows(t *testing.T) {
	r := newTestHub(t, Options{})
	conns := r.connectMany(8*maxBudget, "a")
	written := 0
	drain := func() int {
		r.loops[0].Drain()
		before := written
		written = 0
		for _, c := range conns {
			written += c.writes
		}
		return written - before
	}
	r.publish("a", "1", 0)
	var got []int
	for range 5 {
		got = append(got, drain())
	}
	r.publish("a", "2", 0)
	got = append(got, drain(), drain())
	if want := []int{8, 16, 32, 32, 32, 8, 16}; !slices.Equal(got, want) {
		t.Errorf("drains of %v writes, want %v", got, want)
	}
}

func TestRepliesKeepOrder(t *testing.T) {
	r := newTestHub(t, Options{})
	c := r.connect(0)
	r.subscribe(c, "a", "")
	r.publish("a", "event", 0)
	r.loops[0].dispatch()
	c.sub.Send(textFrame("reply"))
	c.sub.Flush()
	r.drainAll()
	if got := strings.Join(c.texts(), " "); got != "event reply" {
		t.Errorf("received %s", got)
	}
}

func TestPublishExceptSender(t *testing.T) {
	r := newTestHub(t, Options{Loops: 2})
	a, b := r.connect(0), r.connect(1)
	r.subscribe(a, "x", "")
	r.subscribe(b, "x", "")
	r.publish("x", "1", a.sub.ID)
	r.publish("x", "2", pusher.NewSocketID())
	r.drainAll()
	if got := strings.Join(a.texts(), " "); got != "2" {
		t.Errorf("the sender received %s", got)
	}
	if got := strings.Join(b.texts(), " "); got != "1 2" {
		t.Errorf("the other received %s", got)
	}
}

// What was published before a subscription is not delivered, even if it still waits in the mailbox.
func TestSubscriptionExcludesEarlierEvents(t *testing.T) {
	r := newTestHub(t, Options{})
	first, late := r.connect(0), r.connect(0)
	r.subscribe(first, "a", "")
	r.publish("a", "before", 0)
	r.app.Subscribe(late.sub, []byte("a"), 0, nil) // no drain in between
	r.publish("a", "after", 0)
	r.drainAll()
	if got := strings.Join(late.texts(), " "); got != "after" {
		t.Errorf("received %s", got)
	}
}

// A write that fails removes its connection from the list that is being iterated.
func TestDrainSurvivesFailingWrites(t *testing.T) {
	r := newTestHub(t, Options{})
	var conns []*fakeConn
	for range 10 {
		c := r.connect(0)
		r.subscribe(c, "presence-a", fmt.Sprint(len(conns)))
		conns = append(conns, c)
	}
	r.drainAll()
	for i, c := range conns {
		c.texts()
		c.fail = i%2 == 0
	}
	r.publish("presence-a", "1", 0)
	r.drainAll()
	for i, c := range conns {
		if c.sub.dead != c.fail {
			t.Errorf("connection %d: dead is %v", i, c.sub.dead)
		}
		texts := c.texts()
		if !c.fail && (len(texts) != 6 || texts[0] != "1") {
			t.Errorf("connection %d received %q, expected the event and five member_removed", i, texts)
		}
	}
	if got := r.app.Channel([]byte("presence-a")); got.Subscribers != 5 || got.Users != 5 {
		t.Errorf("%d subscribers, %d users", got.Subscribers, got.Users)
	}
}

func TestOverloadRejectsPublish(t *testing.T) {
	r := newTestHub(t, Options{Loops: 2, MailboxBytes: 1000})
	a, b := r.connect(0), r.connect(1)
	r.subscribe(a, "cache-x", "")
	r.subscribe(b, "cache-x", "")
	r.subscribe(b, "y", "")
	for range 20 {
		_ = r.app.Publish(nil, []byte("y"), textFrame("filler filler filler filler"), 0)
	}
	if err := r.app.Publish(nil, []byte("cache-x"), textFrame("refused"), 0); !errors.Is(err, ErrOverloaded) {
		t.Fatalf("error %v", err)
	}
	if r.app.Channel([]byte("cache-x")).Last != nil {
		t.Error("a refused event is remembered")
	}
	r.drainAll()
	if got := a.texts(); len(got) != 0 {
		t.Errorf("a refused event reached %q", got)
	}
	r.publish("cache-x", "taken", 0)
}

func TestDeliveredCopyAllocatesNothing(t *testing.T) {
	t.Run("counted", func(t *testing.T) { deliverWithoutAllocation(t, Options{}) })
	t.Run("and timed", func(t *testing.T) { deliverWithoutAllocation(t, Options{Timed: true}) })
}

func deliverWithoutAllocation(t *testing.T, o Options) {
	r := newTestHub(t, o)
	for range 2000 {
		c := &discardConn{}
		c.sub = &Subscriber{}
		r.loops[0].Add(c.sub, pusher.NewSocketID(), r.app, c)
		r.app.Subscribe(c.sub, []byte("a"), 0, nil)
	}
	f, channel := textFrame("hello"), []byte("a")
	deliver := func() {
		for range 3 {
			_ = r.app.Publish(nil, channel, f, 0)
		}
		r.drainAll()
	}
	deliver()
	if n := testing.AllocsPerRun(100, deliver); n != 0 {
		t.Errorf("%v allocations for 6,000 copies", n)
	}
}

func TestTrimFreesMemoryAfterBurst(t *testing.T) {
	r := newTestHub(t, Options{})
	for range 1000 {
		r.subscribe(r.connect(0), "a", "")
	}
	l := r.loops[0]
	r.publish("a", "burst", 0)
	r.drainAll()
	l.Trim()
	if len(l.spare) != 1000 {
		t.Errorf("%d spare queues right after the burst", len(l.spare))
	}
	r.subscribe(r.connect(0), "b", "")
	r.publish("b", "one", 0)
	r.drainAll()
	l.Trim()
	if len(l.spare) != 1 || cap(l.spare) > 64 || cap(l.dirty) > 0 {
		t.Errorf("%d spare queues (room for %d), room for %d dirty connections are kept", len(l.spare), cap(l.spare), cap(l.dirty))
	}
}

// discardConn discards what is written to it.
type discardConn struct{ fakeConn }

func (c *discardConn) Write(p []byte) { c.writes++ }

// loopRunner runs a loop on a goroutine of its own.
type loopRunner struct {
	loop *Loop
	wake chan struct{}
}

func (r *loopRunner) signal() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// With the loops on goroutines of their own, every connection sees the joins and leaves of a room in the same order,
// and the events of each publisher in the order in which they were published.
func TestConcurrentOrder(t *testing.T) {
	const loops, perLoop, publishers, events = 3, 4, 4, 300
	r := newTestHub(t, Options{Loops: loops})
	stop := make(chan struct{})
	var running sync.WaitGroup
	conns := make([][]*fakeConn, loops)
	do := make([]chan func(), loops)
	for i, l := range r.loops {
		runner := &loopRunner{l, make(chan struct{}, 1)}
		l.Attach(runner.signal, runner.signal)
		do[i] = make(chan func())
		running.Go(func() {
			for {
				select {
				case <-runner.wake:
					l.Drain()
				case f := <-do[i]:
					f()
					l.DrainUnlessScheduled()
				case <-stop:
					return
				}
			}
		})
	}
	var ready sync.WaitGroup
	for i := range loops {
		ready.Add(1)
		do[i] <- func() {
			defer ready.Done()
			for range perLoop {
				c := r.connect(i)
				r.subscribe(c, "events", "")
				r.subscribe(c, "presence-room", "0")
				conns[i] = append(conns[i], c)
			}
		}
	}
	ready.Wait()
	var working sync.WaitGroup
	for p := range publishers {
		working.Go(func() {
			for n := range events {
				r.publish("events", fmt.Sprintf("%d %d", p, n), 0)
			}
		})
	}
	for i := range loops {
		working.Go(func() { // members come and go
			for n := range 50 {
				var c *fakeConn
				do[i] <- func() { c = r.connect(i); r.subscribe(c, "presence-room", fmt.Sprint(1+i*1000+n)) }
				do[i] <- func() { r.loops[i].Remove(c.sub) }
			}
		})
	}
	working.Wait()
	for i := range loops { // everything posted so far is done before this returns
		for {
			idle := make(chan bool)
			do[i] <- func() { idle <- r.loops[i].idle() && r.loops[i].mailbox.bytes.Load() == 0 }
			if <-idle {
				break
			}
		}
	}
	close(stop)
	running.Wait()
	var room []string
	for i := range loops {
		for k, c := range conns[i] {
			next := make([]int, publishers)
			var members []string
			for _, text := range c.texts() {
				var p, n int
				if _, err := fmt.Sscanf(text, "%d %d", &p, &n); err != nil {
					members = append(members, text)
				} else if n != next[p] {
					t.Fatalf("connection %d of loop %d: event %d of publisher %d, expected %d", k, i, n, p, next[p])
				} else {
					next[p]++
				}
			}
			if len(members) != 2*loops*50 {
				t.Errorf("connection %d of loop %d saw %d joins and leaves", k, i, len(members))
			}
			if room == nil {
				room = members
			} else if !slices.Equal(room, members) {
				t.Errorf("connection %d of loop %d saw joins and leaves in another order", k, i)
			}
		}
	}
}
