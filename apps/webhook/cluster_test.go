package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"reverbd/broadcast"
)

// fakeOutbox is an outbox in memory, of one stream that its owner is told of by the test.
type fakeOutbox struct {
	mu      sync.Mutex
	owner   *Dispatcher
	entries []broadcast.OutboxEntry
	batches map[string]broadcast.OutboxBatch
	number  int
}

func (o *fakeOutbox) Observe(broadcast.Activity)   {}
func (o *fakeOutbox) Serve(broadcast.OutboxReader) {}
func (o *fakeOutbox) Sync(*broadcast.Directory)    {}

// fakeNode is the outbox as one node has it.
type fakeNode struct {
	*fakeOutbox
	node *Dispatcher
}

var errNotOwner = errors.New("another node owns the stream")

func (n *fakeNode) Seal(_ string, b broadcast.OutboxBatch) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.owner != n.node {
		return errNotOwner
	}
	n.batches[b.ID] = b
	return nil
}

func (n *fakeNode) Settle(_, batch string, entries []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.batches, batch)
	n.entries = slices.DeleteFunc(n.entries, func(e broadcast.OutboxEntry) bool { return slices.Contains(entries, e.ID) })
}

// own makes d the owner.
func (o *fakeOutbox) own(d *Dispatcher) {
	o.mu.Lock()
	was := o.owner
	o.owner = d
	entries := slices.Clone(o.entries)
	var batches []broadcast.OutboxBatch
	for _, b := range o.batches {
		batches = append(batches, b)
	}
	o.mu.Unlock()
	if was != nil {
		was.Disown(d.Streams()[0])
	}
	d.Own(d.Streams()[0], batches, entries)
}

// add puts an activity into the stream.
func (o *fakeOutbox) add(kind Kind, channel string) {
	o.mu.Lock()
	o.number++
	e := broadcast.OutboxEntry{
		ID: fmt.Sprint("1-", o.number), At: time.Now(), Activity: broadcast.Activity{Kind: broadcast.ActivityKind(kind), App: "app", Channel: channel},
	}
	o.entries = append(o.entries, e)
	owner := o.owner
	o.mu.Unlock()
	if owner != nil {
		owner.Deliver(owner.Streams()[0], []broadcast.OutboxEntry{e})
	}
}

func (o *fakeOutbox) left() (entries, batches int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.entries), len(o.batches)
}

func newNodeBench(t *testing.T, o *fakeOutbox, r *receiver, hooks ...Hook) *bench {
	n := &fakeNode{fakeOutbox: o}
	b := newBenchWith(t, r, Options{Outbox: n}, hooks...)
	n.node = b.Dispatcher
	return b
}

// The owner of a stream sends what is in it, and leaves nothing there that is done with: neither what was taken back nor what it is not told of.
func TestOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &fakeOutbox{batches: make(map[string]broadcast.OutboxBatch)}
		b := newNodeBench(t, o, newReceiver(t), Hook{URL: target, Events: SetOf(ChannelOccupied, ChannelVacated)})
		o.add(ChannelOccupied, "before")
		after(time.Minute)
		if n := len(b.got()); n != 0 {
			t.Errorf("%d requests of a node that owns nothing", n)
		}
		o.own(b.Dispatcher)
		o.add(ChannelOccupied, "a")
		o.add(CacheMiss, "a")
		o.add(ChannelVacated, "before")
		after(time.Second)
		o.add(ChannelOccupied, "before")
		o.add(200, "none of ours")
		after(time.Minute)
		if got := b.names(); !slices.Equal(got, []string{"channel_occupied before", "channel_occupied a"}) {
			t.Errorf("told %q", got)
		}
		if entries, batches := o.left(); entries+batches > 0 {
			t.Errorf("%d entries and %d batches are left", entries, batches)
		}
	})
}

// Another owner sends what the one before was sending under the same id, and the rest.
func TestTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &fakeOutbox{batches: make(map[string]broadcast.OutboxBatch)}
		r := newReceiver(t)
		r.answer = func(n int, _ http.ResponseWriter) {
			if n == 0 {
				panic(http.ErrAbortHandler) // it has come, and the answer is lost
			}
		}
		first, second := newNodeBench(t, o, r), newNodeBench(t, o, r)
		o.own(first.Dispatcher)
		o.add(ChannelOccupied, "a")
		o.add(ChannelOccupied, "b")
		after(600 * time.Millisecond)
		o.add(ChannelVacated, "a")
		o.own(second.Dispatcher) // before the first one tries again
		after(time.Minute)
		got := r.got()
		if len(got) != 3 || got[0].header.Get(headerID) != got[1].header.Get(headerID) || len(got[1].events) != 2 {
			t.Errorf("%d requests: %v", len(got), got)
		}
		if names := second.names(); names[len(names)-1] != "channel_vacated a" {
			t.Errorf("told %q", names)
		}
		if entries, batches := o.left(); entries+batches > 0 {
			t.Errorf("%d entries and %d batches are left", entries, batches)
		}
		if s := first.Stats(); s.Waiting != 0 || s.Sent != 0 {
			t.Errorf("the first one: %+v", s)
		}
	})
}

// A node that has lost its stream and does not know it sends nothing that is not sealed.
func TestNotOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &fakeOutbox{batches: make(map[string]broadcast.OutboxBatch)}
		r := newReceiver(t)
		b := newNodeBench(t, o, r)
		o.own(b.Dispatcher)
		o.mu.Lock()
		o.owner = nil
		o.mu.Unlock()
		b.Deliver(b.Streams()[0], []broadcast.OutboxEntry{{ID: "1-1", At: time.Now(), Activity: broadcast.Activity{App: "app", Channel: "a"}}})
		after(time.Minute)
		if n := len(r.got()); n != 0 {
			t.Errorf("%d requests", n)
		}
		b.Disown(b.Streams()[0])
	})
}

// A URL that is gone keeps nothing in its stream.
func TestGoneInCluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &fakeOutbox{batches: make(map[string]broadcast.OutboxBatch)}
		r := newReceiver(t)
		r.answer = func(_ int, w http.ResponseWriter) { w.WriteHeader(http.StatusGone) }
		b := newNodeBench(t, o, r)
		o.own(b.Dispatcher)
		o.add(ChannelOccupied, "a")
		after(time.Second)
		o.add(ChannelOccupied, "b")
		after(time.Minute)
		if entries, batches := o.left(); entries+batches > 0 || len(r.got()) != 1 {
			t.Errorf("%d entries and %d batches are left, %d requests", entries, batches, len(r.got()))
		}
		b.Dispatcher.Close(context.Background())
	})
}

// Which streams an activity goes to: those of who is told of it, or of what takes it back.
func TestRoutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, newReceiver(t), Hook{URL: target, Events: SetOf(MemberAdded), Channels: []string{"presence-*"}}, Hook{URL: target + "2", Events: Pushers})
		for _, c := range []struct {
			app     string
			kind    Kind
			channel string
			want    int
		}{
			{"app", MemberAdded, "presence-a", 2}, {"app", MemberRemoved, "presence-a", 2}, {"app", MemberAdded, "other", 1},
			{"app", ChannelOccupied, "presence-a", 1}, {"app", SubscriptionCount, "a", 0}, {"other", MemberAdded, "presence-a", 0},
		} {
			if got := b.Routes(c.app, broadcast.ActivityKind(c.kind), c.channel); len(got) != c.want {
				t.Errorf("%v of %s: %d streams", c.kind, c.channel, len(got))
			}
		}
	})
}
