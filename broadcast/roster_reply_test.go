package broadcast

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"reverbd/protocol/pusher"
)

// encodedAnew is the reply with the roster of the channel as it is.
func encodedAnew(t *Topic) string {
	var r pusher.Roster
	for _, m := range t.roster.members {
		r.Append(m.identity.member())
	}
	return string(pusher.AppendPresenceSucceeded(nil, t.Name, &r))
}

// Whatever joins, leaves, and changes what it says of its user, the reply shows the roster as it is.
func TestRosterReplyIsUpToDate(t *testing.T) {
	const channel, steps = "presence-room", 3000
	r := newTestHub(t, Options{Loops: 2})
	rnd := rand.New(rand.NewPCG(1, 2))
	var conns []*fakeConn
	for n := range steps {
		var c *fakeConn
		switch i := len(conns); {
		case i < 2*sharedRoster || i < 4*sharedRoster && rnd.IntN(2) == 0:
			c = r.connect(n % 2)
			conns = append(conns, c)
		case rnd.IntN(2) == 0:
			i = rnd.IntN(i)
			conns[i].sub.Loop().Remove(conns[i].sub)
			conns = append(conns[:i], conns[i+1:]...)
			continue
		default:
			c = conns[rnd.IntN(i)]
		}
		id, err := NewIdentity(fmt.Appendf(nil, `{"user_id":%d,"user_info":"%d"}`, rnd.IntN(3*sharedRoster), rnd.IntN(2)))
		if err != nil {
			t.Fatal(err)
		}
		got := r.app.Subscribe(c.sub, []byte(channel), pusher.KindOf([]byte(channel)), id).Success
		if want := encodedAnew(r.app.stripe([]byte(channel)).topics[channel]); string(got.Payload()) != want {
			t.Fatalf("step %d: got\n%s\nwant\n%s", n, got.Payload(), want)
		}
		r.drainAll()
	}
}

// A member that subscribes again gets the frame that is there, and what it costs does not depend on the size of the roster.
func TestRosterReplyIsShared(t *testing.T) {
	const channel, members = "presence-room", 1000
	r := newTestHub(t, Options{})
	var conns []*fakeConn
	for i := range members {
		c := r.connect(0)
		conns = append(conns, c)
		r.subscribe(c, channel, fmt.Sprint(i))
	}
	id := identity(t, "7")
	again := func() Frame {
		return r.app.Subscribe(conns[7].sub, []byte(channel), pusher.KindOf([]byte(channel)), id).Success
	}
	first := again()
	if second := again(); &first[0] != &second[0] {
		t.Error("encoded again though nothing has changed")
	}
	if n := testing.AllocsPerRun(100, func() { again() }); n > 0 {
		t.Errorf("%v allocations", n)
	}
	r.subscribe(r.connect(0), channel, `"another"`)
	if third := again(); len(third) <= len(first) {
		t.Error("the new member is missing")
	}
}

// Joining a presence channel of 10,000, and subscribing to it again.
func BenchmarkPresence(b *testing.B) {
	const channel, members = "presence-room", 10_000
	join := func(r *testHub, n int) (c *fakeConn) {
		for i := range n {
			c = r.connect(0)
			id, _ := NewIdentity(fmt.Appendf(nil, `{"user_id":%d,"user_info":{"name":"Ann Smith","avatar":"https://example.com/a/%d.png"}}`, i, i))
			r.app.Subscribe(c.sub, []byte(channel), pusher.KindOf([]byte(channel)), id)
		}
		return c
	}
	b.Run("join", func(b *testing.B) {
		for b.Loop() {
			join(newTestHub(b, Options{}), members)
		}
	})
	b.Run("again", func(b *testing.B) {
		r := newTestHub(b, Options{})
		c := join(r, members)
		id := c.sub.subs[0].member
		b.ReportAllocs()
		for b.Loop() {
			r.app.Subscribe(c.sub, []byte(channel), pusher.KindOf([]byte(channel)), id)
		}
	})
}
