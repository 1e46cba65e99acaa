package broadcast

import (
	"fmt"
	"slices"
	"testing"

	"reverbd/protocol/pusher"
)

// Every connection of the app is sent the last frame and closed, and no other, however writes and closes reorder the list.
func TestDisconnect(t *testing.T) {
	r := newTestHub(t, Options{Loops: 2})
	others := r.NewDirectory("other")
	const each = 200
	var mine, theirs []*fakeConn
	for i := range each {
		mine = append(mine, r.connect(i%2))
		mine[i].fail = i%7 == 0
		r.subscribe(mine[i], "room", "")
		c := &fakeConn{sub: &Subscriber{}}
		r.loops[i%2].Add(c.sub, pusher.NewSocketID(), others, c)
		theirs = append(theirs, c)
	}
	r.app.Disconnect(&pusher.Error{Code: 4001, Message: "gone"})
	r.drainAll()
	for i, c := range mine {
		if !c.sub.dead {
			t.Fatalf("connection %d of the app is open", i)
		}
		if c.fail {
			continue
		}
		if c.closed != 4001 {
			t.Errorf("connection %d was closed with %d", i, c.closed)
		}
		if got := c.texts(); !slices.Contains(got, `{"event":"pusher:error","data":{"code":4001,"message":"gone"}}`) {
			t.Errorf("connection %d was told %q", i, got)
		}
	}
	for i, c := range theirs {
		if c.sub.dead || len(c.frames) > 0 {
			t.Fatalf("connection %d of another app has been touched", i)
		}
	}
	if got := r.app.Channel([]byte("room")).Subscribers; got != 0 {
		t.Errorf("%d subscribers are left", got)
	}
}

// A removed app frees its cached events, and caches none afterwards.
func TestRemoveDirectory(t *testing.T) {
	r := newTestHub(t, Options{})
	other := r.NewDirectory("other")
	for i := range 20 {
		r.publish(fmt.Sprintf("cache-%d", i), "x", 0)
	}
	if err := other.Publish(nil, []byte("cache-a"), textFrame("x"), 0); err != nil {
		t.Fatal(err)
	}
	kept := other.Channel([]byte("cache-a"))
	r.RemoveDirectory(r.app)
	r.publish("cache-late", "x", 0)
	if all := r.Directories(); len(all) != 1 || all[0] != other {
		t.Errorf("the hub knows %d directories", len(all))
	}
	one := (&cachedEvent{topic: &Topic{Name: "cache-a"}, frame: textFrame("x")}).size()
	if used := r.cache.used.Load(); used != one || kept.Last == nil {
		t.Errorf("the cache holds %d bytes, want the %d of the other app", used, one)
	}
	for i := range r.app.stripes {
		if n := len(r.app.stripes[i].topics); n != 0 {
			t.Fatalf("%d topics are left", n)
		}
	}
}
