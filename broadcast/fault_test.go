//go:build faults

package broadcast

import "testing"

// A panic while a stripe is locked costs what it concerns: the stripe is unlocked, and all channels of it are served.
func TestPanicUnderStripe(t *testing.T) {
	acts := map[string]func(r *testHub, c *fakeConn){
		"post":        func(r *testHub, _ *fakeConn) { r.publish("presence-a", "lost", 0) },
		"subscribe":   func(r *testHub, c *fakeConn) { r.subscribe(c, "other", "") },
		"unsubscribe": func(r *testHub, c *fakeConn) { r.app.Unsubscribe(c.sub, []byte("presence-a")) },
		"with":        func(r *testHub, _ *fakeConn) { r.app.Channel([]byte("presence-a")) },
		"stripe":      func(r *testHub, _ *fakeConn) { r.app.Channels("") },
		"admit": func(r *testHub, c *fakeConn) {
			r.BusConnected()
			r.subscribe(c, "pending", "")
			r.BusDisconnected()
			r.drainAll()
		},
	}
	for at, act := range acts {
		t.Run(at, func(t *testing.T) {
			r := newTestHub(t, Options{Bus: &countingBus{}})
			c, other := r.connect(0), r.connect(0)
			r.subscribe(c, "presence-a", `"1"`)
			r.subscribe(other, "presence-a", `"2"`)
			r.drainAll()
			faultAt.Store(&at)
			func() {
				defer func() {
					if recover() == nil {
						t.Error("nothing panicked")
					}
				}()
				act(r, c)
			}()
			for i := range r.app.stripes {
				if !r.app.stripes[i].mu.TryLock() {
					t.Fatal("a stripe is locked for ever")
				}
				r.app.stripes[i].mu.Unlock()
			}
			for _, l := range r.loops {
				l.Drain() // package eventloop wakes a loop whose drain has panicked
			}
			r.drainAll()
			other.texts()
			r.publish("presence-a", "goes on", 0)
			r.drainAll()
			if got := other.texts(); len(got) != 1 || got[0] != "goes on" {
				t.Errorf("the other client got %q", got)
			}
		})
	}
}
