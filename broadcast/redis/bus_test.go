package redis

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func newPair(t *testing.T) (r *redisServer, a, b *testNode) {
	t.Helper()
	r = startRedis(t)
	a, b = newPairOn(t, r)
	return r, a, b
}

func newPairOn(t *testing.T, r *redisServer) (a, b *testNode) {
	t.Helper()
	o := Options{Addrs: []string{r.path()}}
	a, b = newTestNode(t, o), newTestNode(t, o)
	return a.ready(), b.ready()
}

// joinBoth subscribes Ann on one node and Ben on the other to presence-room, and waits until both nodes know both.
func joinBoth(a, b *testNode) (ann, ben *testClient) {
	a.t.Helper()
	ann, ben = a.connect(), b.connect()
	ann.join("presence-room", `"ann"`)
	ben.join("presence-room", `"ben"`)
	ann.await("member_added", "ben")
	return ann, ben
}

func TestEventsReachOtherNode(t *testing.T) {
	_, a, b := newPair(t)
	ann, ben := a.connect(), b.connect()
	ann.join("news", "")
	ben.join("news", "")
	for i := range 100 {
		a.publish("news", fmt.Sprintf("a %d;", i))
		b.publish("news", fmt.Sprintf("b %d;", i))
	}
	a.publishExcept("news", "not for Ben", ben.sub.ID)
	a.publish("news", "end of a;")
	b.publish("news", "end of b;")
	for _, c := range []*testClient{ann, ben} {
		eventually(t, "both ends", func() bool {
			got := strings.Join(c.received(), "")
			return strings.Contains(got, "end of a;") && strings.Contains(got, "end of b;")
		})
		for _, from := range []string{"a", "b"} {
			var got []string
			for _, m := range c.received() {
				if strings.HasPrefix(m, from+" ") {
					got = append(got, m)
				}
			}
			if len(got) != 100 {
				t.Fatalf("%d events of %s", len(got), from)
			}
			for i, m := range got {
				if m != fmt.Sprintf("%s %d;", from, i) {
					t.Fatalf("event %d of %s is %s", i, from, m)
				}
			}
		}
	}
	if slices.Contains(ben.received(), "not for Ben") || !slices.Contains(ann.received(), "not for Ben") {
		t.Error("the one left out is not")
	}
}

func TestPresenceAcrossNodes(t *testing.T) {
	_, a, b := newPair(t)
	ann, ben := a.connect(), b.connect()
	ann.join("presence-room", `"ann"`)
	if m := ben.join("presence-room", `"ben"`); !strings.Contains(m, `\"count\":2,\"ids\":[\"ann\",\"ben\"]`) {
		t.Errorf("Ben was told %s", m)
	}
	ann.await("member_added", "ben")
	tab := a.connect() // a second connection of Ben, on the other node
	if m := tab.join("presence-room", `"ben"`); !strings.Contains(m, `\"count\":2`) {
		t.Errorf("Ben's second tab was told %s", m)
	}
	ben.disconnect()
	cid := b.connect()
	if m := cid.join("presence-room", `"cid"`); !strings.Contains(m, `\"ids\":[\"ann\",\"ben\",\"cid\"]`) {
		t.Errorf("Cid was told %s", m)
	}
	ann.await("member_added", "cid")
	tab.disconnect()
	ann.await("member_removed", "ben")
	cid.await("member_removed", "ben")
	for _, n := range []*testNode{a, b} {
		if c := n.app.Channel([]byte("presence-room")); c.Subscribers != 2 || c.Users != 2 {
			t.Errorf("%d subscribers, %d users", c.Subscribers, c.Users)
		}
	}
}

func TestDeadNodeIsEvicted(t *testing.T) {
	_, a, b := newPair(t)
	ann, _ := joinBoth(a, b)
	b.stop() // without a goodbye
	ann.await("member_removed", "ben")
}

func TestRedisRestart(t *testing.T) {
	r, a, b := newPair(t)
	ann, ben := joinBoth(a, b)
	r.kill()
	eventually(t, "both know", func() bool { return !a.bus.Stats().Connected && !b.bus.Stats().Connected })
	a.publish("presence-room", "while away")
	ann.await("while away")
	cid := a.connect()
	cid.join("presence-room", `"cid"`)
	ann.await("member_added", "cid")
	r.start()
	ben.await("member_added", "cid")
	ben.await("while away")
	b.publish("presence-room", "back")
	for _, c := range []*testClient{ann, cid} {
		c.await("back")
		if strings.Contains(strings.Join(c.received(), ""), "member_removed") {
			t.Error("somebody was seen leaving")
		}
	}
}

func TestRedisStall(t *testing.T) {
	r, a, b := newPair(t)
	ann, ben := a.connect(), b.connect()
	ann.join("presence-room", `"ann"`)
	ben.join("news", "")
	r.signal(syscall.SIGSTOP)
	cid := a.connect()
	cid.join("presence-room", `"cid"`)
	cid.join("news", "")
	a.publish("news", "local")
	cid.await("local")
	r.signal(syscall.SIGCONT)
	ben.await("local")
	eventually(t, "the roster is whole", func() bool { return len(b.app.Users([]byte("presence-room"))) == 2 })
}

func TestCacheAcrossNodes(t *testing.T) {
	r, a, b := newPair(t)
	a.publish("cache-news", "first")
	eventually(t, "Redis has it", func() bool { return r.client.Exists(t.Context(), "reverb:l:{c:app:cache-news}").Val() == 1 })
	ben := b.connect()
	ben.join("cache-news", "")
	ben.await("first")
	ann := a.connect()
	ann.join("cache-news", "")
	ann.await("first")
	b.publish("cache-news", "second")
	ann.await("second")
	for _, c := range []*testClient{ann, ben} {
		if n := strings.Count(strings.Join(c.received(), ""), "first"); n != 0 {
			t.Errorf("the first event came again")
		}
	}
}

// An app that is removed and added again at once has two directories for a moment: users that leave the former one do not
// remove users of the new one.
func TestAppReplaced(t *testing.T) {
	_, a, b := newPair(t)
	ann := a.connect()
	ann.join("presence-room", `"ann"`)
	var previous []*testClient
	for i := range 20 {
		c := b.connect()
		c.join("presence-room", fmt.Sprintf(`"former %d"`, i))
		previous = append(previous, c)
	}
	old := b.app
	b.app = b.hub.NewDirectory("app")
	b.hub.RemoveDirectory(old)
	ben := b.connect()
	b.on(func() {
		for _, c := range previous {
			b.hub.Loops()[0].Remove(&c.sub)
		}
	})
	if m := ben.join("presence-room", `"ben"`); !strings.Contains(m, `\"ann\"`) {
		t.Errorf("Ben was told %s", m)
	}
	eventually(t, "the former ones are gone", func() bool {
		got := a.app.Users([]byte("presence-room"))
		return len(got) == 2 && string(got[0]) == `"ann"` && string(got[1]) == `"ben"`
	})
	eventually(t, "on both nodes", func() bool { return len(b.app.Users([]byte("presence-room"))) == 2 })
}
