package broadcast

import (
	"errors"
	"slices"
	"testing"
)

// twoLoops has a client of each channel on its own loop, and lets the second loop fall behind.
func twoLoops(t *testing.T, bus Bus) (r *testHub, idle, busy *fakeConn) {
	t.Helper()
	r = newTestHub(t, Options{Loops: 2, MailboxBytes: 1000, Bus: bus})
	idle, busy = r.connect(0), r.connect(1)
	r.subscribe(idle, "idle", "")
	r.subscribe(idle, "both", "")
	r.subscribe(busy, "busy", "")
	r.subscribe(busy, "both", "")
	for range 10 {
		_ = r.app.Publish(nil, []byte("busy"), textFrame("filler filler filler filler"), 0)
	}
	return r, idle, busy
}

// countingBus counts what is reserved and published.
type countingBus struct {
	reserved, published int
	refuse              bool
}

func (b *countingBus) Reserve(count, _ int) error {
	if b.refuse {
		return ErrOverloaded
	}
	b.reserved += count
	return nil
}
func (b *countingBus) Release(count, _ int)         { b.reserved -= count }
func (b *countingBus) Publish(Event)                { b.published++ }
func (b *countingBus) Command(Command) error        { return nil }
func (b *countingBus) MarkDirty(*Directory, string) {}
func (b *countingBus) Query(Query) []QueryResult    { return nil }

// Events for several channels are delivered all or none: a publisher that is refused may publish all of them again.
func TestPublishAllOrNothing(t *testing.T) {
	list := func(channels ...string) (list []Publication) {
		for _, ch := range channels {
			list = append(list, Publication{Channel: []byte(ch), Frame: textFrame("on " + ch)})
		}
		return list
	}
	tests := []struct {
		name     string
		channels []string
		full     bool // of the bus
		want     []string
	}{
		{"a loop is behind", []string{"idle", "busy"}, false, nil},
		{"the first loop is behind", []string{"busy", "idle"}, false, nil},
		{"one channel of two loops", []string{"idle", "both"}, false, nil},
		{"too much waits for other nodes", []string{"idle", "idle"}, true, nil},
		{"loops that are not behind", []string{"idle", "nobody", "idle"}, false, []string{"on idle", "on idle"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bus := &countingBus{}
			r, idle, _ := twoLoops(t, bus)
			*bus = countingBus{refuse: tt.full}
			err := r.app.PublishAll(nil, list(tt.channels...))
			if refused := errors.Is(err, ErrOverloaded); refused != (tt.want == nil) {
				t.Errorf("error %v", err)
			}
			r.drainAll()
			if got := idle.texts(); !slices.Equal(got, tt.want) {
				t.Errorf("delivered %q, want %q", got, tt.want)
			}
			published := len(tt.channels)
			if tt.want == nil {
				published = 0
			}
			if bus.published != published || bus.reserved != published {
				t.Errorf("%d events were sent to other nodes, for %d there is room, want %d", bus.published, bus.reserved, published)
			}
		})
	}
}

// An event of another node reaches the loops that have room, at once, whatever is the matter with the others.
func TestDeliverWhereRoom(t *testing.T) {
	r, idle, busy := twoLoops(t, nil)
	if err := r.app.Deliver([]byte("both"), textFrame("within twice the limit"), 0, 0); err != nil {
		t.Error(err)
	}
	lost := 0
	for range 20 {
		if err := r.app.Deliver([]byte("both"), textFrame("many"), 0, 0); errors.Is(err, ErrOverloaded) {
			lost++
		}
		r.loops[0].Drain()
	}
	if got := idle.texts(); len(got) != 21 {
		t.Errorf("%d of 21 events reached the loop that is not behind", len(got))
	}
	r.drainAll()
	got := slices.DeleteFunc(busy.texts(), func(s string) bool { return s != "many" })
	if lost == 0 || len(got) != 20-lost {
		t.Errorf("%d events were lost on the loop that is behind, and %d of 20 reached it", lost, len(got))
	}
}
