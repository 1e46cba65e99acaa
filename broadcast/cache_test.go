package broadcast

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestCacheChannel(t *testing.T) {
	now := time.Unix(1000, 0)
	r := newTestHub(t, Options{CacheTTL: time.Minute, Now: func() time.Time { return now }})
	r.publish("cache-score", "early", 0) // nobody is subscribed
	a := r.connect(0)
	if reply := r.subscribe(a, "cache-score", ""); reply[1] != "early" {
		t.Errorf("the reply is %q", reply)
	}
	r.publish("cache-score", "late", 0)
	r.drainAll()
	if got := strings.Join(a.texts(), " "); got != "late" {
		t.Errorf("received %q: the cached event must not be delivered twice", got)
	}
	now = now.Add(59 * time.Second)
	if reply := r.subscribe(r.connect(0), "cache-score", ""); reply[1] != "late" {
		t.Errorf("the reply is %q", reply)
	}
	now = now.Add(time.Second)
	if reply := r.subscribe(r.connect(0), "cache-score", ""); reply[1] != `{"event":"pusher:cache_miss","channel":"cache-score"}` {
		t.Errorf("the reply is %q when the event had expired", reply)
	}
	r.Sweep()
	if r.cache.used.Load() != 0 {
		t.Errorf("%d bytes are kept of an expired event", r.cache.used.Load())
	}
}

func TestMemberEventsAreNotCached(t *testing.T) {
	r := newTestHub(t, Options{})
	a, b := r.connect(0), r.connect(0)
	r.subscribe(a, "presence-cache-x", "1")
	r.subscribe(b, "presence-cache-x", "2")
	b.sub.Loop().Remove(b.sub)
	if reply := r.subscribe(r.connect(0), "presence-cache-x", "3"); !strings.Contains(reply[1], "pusher:cache_miss") {
		t.Errorf("the reply is %q", reply)
	}
}

func TestVacatedTopicIsRemoved(t *testing.T) {
	now := time.Unix(1000, 0)
	r := newTestHub(t, Options{CacheTTL: time.Minute, Now: func() time.Time { return now }})
	topics := func() (n int) {
		for i := range r.app.stripes {
			n += len(r.app.stripes[i].topics)
		}
		return n
	}
	c := r.connect(0)
	r.subscribe(c, "a", "")
	r.subscribe(c, "cache-a", "")
	r.publish("cache-a", "1", 0)
	r.publish("b", "nobody hears it", 0)
	r.loops[0].Remove(c.sub)
	if n := topics(); n != 1 {
		t.Errorf("%d topics, expected the one with a cached event", n)
	}
	now = now.Add(time.Hour)
	r.Sweep()
	if n := topics(); n != 0 {
		t.Errorf("%d topics after the sweep", n)
	}
}

func TestCacheLimit(t *testing.T) {
	r := newTestHub(t, Options{CacheBytes: 20_000})
	other := r.NewDirectory("other")
	for i := range 50 {
		_ = other.Publish(nil, fmt.Appendf(nil, "cache-other-%d", i), textFrame(strings.Repeat("o", 100)), 0)
	}
	for i := range 200 {
		r.publish(fmt.Sprintf("cache-%d", i), strings.Repeat("x", 100), 0)
		if used := r.cache.used.Load(); used > 20_000 {
			t.Fatalf("%d bytes after event %d", used, i)
		}
	}
	if r.app.Channel([]byte("cache-199")).Last == nil {
		t.Error("the newest event was dropped")
	}
	r.publish("cache-huge", strings.Repeat("x", 30_000), 0)
	if used := r.cache.used.Load(); used > 20_000 {
		t.Errorf("%d bytes after an event larger than the limit", used)
	}
}

// Two nodes publish at the same moment. The event of the other node, which has the lower offset, may arrive after the own
// event was confirmed: it is delivered, but does not become the last event. Neither does an event from before the
// snapshot.
func TestCacheKeepsHighestOffset(t *testing.T) {
	r := newTestHub(t, Options{})
	a := r.connect(0)
	r.subscribe(a, "cache-score", "")
	deliver := func(text string, order uint64) {
		t.Helper()
		if err := r.app.Deliver([]byte("cache-score"), textFrame(text), 0, order); err != nil {
			t.Fatal(err)
		}
		r.drainAll()
	}
	r.app.Synced("cache-score", Snapshot{Offset: 10}, Update{})
	own := textFrame("own")
	if err := r.app.Publish(nil, []byte("cache-score"), own, 0); err != nil {
		t.Fatal(err)
	}
	r.app.ConfirmCached("cache-score", own, 12)
	deliver("other", 11)
	deliver("before", 9)
	if got := strings.Join(a.texts(), " "); got != "own other" {
		t.Errorf("received %q", got)
	}
	if reply := r.subscribe(r.connect(0), "cache-score", ""); reply[1] != "own" {
		t.Errorf("the last event is %q", reply[1])
	}
	deliver("next", 13)
	if reply := r.subscribe(r.connect(0), "cache-score", ""); reply[1] != "next" {
		t.Errorf("the last event is %q", reply[1])
	}
}

// Subscribers that missed the last event while the bus was disconnected get it from the snapshot, except its sender.
func TestSnapshotEventExceptSender(t *testing.T) {
	r := newTestHub(t, Options{})
	a, b := r.connect(0), r.connect(0)
	r.subscribe(a, "cache-score", "")
	r.subscribe(b, "cache-score", "")
	r.app.Synced("cache-score", Snapshot{Last: textFrame("missed"), Offset: 1, Except: a.sub.ID}, Update{})
	r.drainAll()
	if got := strings.Join(a.texts(), " "); got != "" {
		t.Errorf("the sender received %q", got)
	}
	if got := strings.Join(b.texts(), " "); got != "missed" {
		t.Errorf("the other received %q", got)
	}
}
