package broadcast

import (
	"fmt"
	"testing"

	"reverbd/protocol/pusher"
	"reverbd/protocol/ws"
)

// fakeConn records what is written to it. fail makes the next write close it, as a broken socket does.
type fakeConn struct {
	sub    *Subscriber
	frames []Frame
	writes int
	fail   bool
	closed ws.StatusCode
}

func (c *fakeConn) Write(p []byte) {
	if c.fail {
		c.sub.loop.Remove(c.sub)
		return
	}
	c.writes++
	for len(p) > 0 {
		n := frameSize(p)
		c.frames = append(c.frames, append(Frame(nil), p[:n]...))
		p = p[n:]
	}
}

func (c *fakeConn) Close(code ws.StatusCode, _ string) {
	c.closed = code
	c.sub.Flush()
	c.sub.loop.Remove(c.sub)
}

// frameSize is the size of the first server frame of p.
func frameSize(p []byte) int {
	switch n := int(p[1]); n {
	case 126:
		return 4 + int(p[2])<<8 + int(p[3])
	case 127:
		return 10 + int(p[6])<<24 + int(p[7])<<16 + int(p[8])<<8 + int(p[9])
	default:
		return 2 + n
	}
}

// texts returns the payloads received, and clears them.
func (c *fakeConn) texts() (texts []string) {
	for _, f := range c.frames {
		texts = append(texts, string(f.Payload()))
	}
	c.frames, c.writes = nil, 0
	return texts
}

// testHub is a hub whose loops are drained by the test.
type testHub struct {
	*Hub
	t           testing.TB
	app         *Directory
	woken       []int // calls of wake, by loop
	rescheduled []int
}

func newTestHub(t testing.TB, o Options) *testHub {
	r := &testHub{Hub: NewHub(o), t: t}
	r.app = r.NewDirectory("app")
	r.woken, r.rescheduled = make([]int, len(r.loops)), make([]int, len(r.loops))
	for i, l := range r.loops {
		l.Attach(func() { r.woken[i]++ }, func() { r.rescheduled[i]++ })
	}
	return r
}

// connect adds a connection to a loop.
func (r *testHub) connect(loop int) *fakeConn {
	c := &fakeConn{sub: &Subscriber{}}
	r.loops[loop].Add(c.sub, pusher.NewSocketID(), r.app, c)
	return c
}

// connectMany adds n connections to the first loop and subscribes them to a channel.
func (r *testHub) connectMany(n int, channel string) []*fakeConn {
	conns := make([]*fakeConn, n)
	for i := range conns {
		conns[i] = r.connect(0)
		r.subscribe(conns[i], channel, "")
	}
	return conns
}

// subscribe subscribes a connection to a channel; user is for presence channels. It returns the payloads of the reply.
func (r *testHub) subscribe(c *fakeConn, channel, user string) []string {
	j := r.app.Subscribe(c.sub, []byte(channel), pusher.KindOf(channel), identity(r.t, user))
	c.sub.loop.DrainUnlessScheduled()
	if j.Success == nil {
		return nil // the subscription is pending
	}
	reply := []string{string(j.Success.Payload())}
	if j.Last != nil {
		reply = append(reply, string(j.Last.Payload()))
	}
	return reply
}

// identity is the identity of a user_id, a JSON token; nil for "".
func identity(t testing.TB, user string) *Identity {
	if user == "" {
		return nil
	}
	id, err := NewIdentity(fmt.Appendf(nil, `{"user_id":%s}`, user))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// publish sends a text to a channel, from no loop.
func (r *testHub) publish(channel, text string, except pusher.SocketID) {
	if err := r.app.Publish(nil, []byte(channel), textFrame(text), except); err != nil {
		r.t.Fatal(err)
	}
}

func textFrame(text string) Frame { return SealText(append(TextBuffer(len(text)), text...)) }

// drainAll drains all loops until nothing is left.
func (r *testHub) drainAll() {
	for {
		more := false
		for i, l := range r.loops {
			if r.woken[i]+r.rescheduled[i] > 0 {
				r.woken[i], r.rescheduled[i] = 0, 0
				more = true
				l.Drain()
			}
		}
		if !more {
			return
		}
	}
}
