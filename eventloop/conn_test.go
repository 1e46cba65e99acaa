package eventloop

import (
	"strings"
	"testing"
	"time"

	"reverbd/protocol/ws"
)

// Bytes after the handshake in the same packet are the first frame, and a handshake may arrive in any pieces.
func TestFirstFrameBesideTheHandshake(t *testing.T) {
	_, addr := startServer(t, 2, nil)
	c := dial(t, addr)
	c.send(upgradeRequest + textFrame("one") + textFrame("two")[:3])
	c.upgraded()
	c.gets(ws.OpText, "one")
	c.send(textFrame("two")[3:])
	c.gets(ws.OpText, "two")

	all := upgradeRequest + textFrame("first")
	for i := 1; i < len(all); i += 7 {
		c := dial(t, addr)
		c.send(all[:i])
		time.Sleep(time.Millisecond) // so that it is mostly two packets; the result is the same if it is one
		c.send(all[i:])
		c.upgraded()
		c.gets(ws.OpText, "first")
		_ = c.Close()
	}
}

func TestHandshakeRefused(t *testing.T) {
	_, addr := startServer(t, 1, nil)
	for _, tc := range []struct {
		name, request string
		status        int
	}{
		{"no upgrade", request("GET", "/ws"), 426},
		{"POST", strings.Replace(upgradeRequest, "GET", "POST", 1), 405},
		{"no key", strings.Replace(upgradeRequest, "dGhlIHNhbXBsZSBub25jZQ==", "x", 1), 400},
		{"old version", strings.Replace(upgradeRequest, "Version: 13", "Version: 8", 1), 426},
		{"no connection header", strings.Replace(upgradeRequest, "Connection: Upgrade", "Connection: close", 1), 400},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := dial(t, addr)
			c.send(tc.request + textFrame("is not a request either"))
			if status, _, _ := c.answer("GET"); status != tc.status {
				t.Error(status)
			}
			c.ends()
		})
	}
}

// A panic in a session ends its connection and no other one, wherever it happens.
func TestSessionPanic(t *testing.T) {
	s, addr := startServer(t, 1, with(func(s *session) {
		s.message = func(s *session, p string) {
			switch p {
			case "panic":
				panic("on purpose")
			case "panic when checked":
				s.check = func(*session) time.Duration { panic("on purpose") }
				return
			case "panic when gone":
				s.gone = func(s *session) {
					_ = s.directory.Publish(s.Loop(), []byte("room"), textOf("published before the panic"), 0)
					panic("on purpose")
				}
				return
			case "listen":
				s.subscribe("room")
				return
			}
			s.Send(textOf(p))
		}
		s.check = func(s *session) time.Duration { return tick }
	}))
	other := dialWS(t, addr)
	other.send(textFrame("listen"))
	if _, _, err := other.next(); err != nil {
		t.Fatal(err)
	}
	for i, what := range []string{"panic", "panic when checked"} {
		c := dialWS(t, addr)
		c.send(textFrame(what))
		c.gone()
		other.send(textFrame("x"))
		other.gets(ws.OpText, "x")
		eventually(t, "it has gone", func() bool { return s.Connections() == 1 })
		if n := s.stats.panics.Load(); n != int64(i+1) {
			t.Errorf("%d panics", n)
		}
	}
	// What was published before the panic is delivered, though no read follows on this loop.
	c := dialWS(t, addr)
	c.send(textFrame("panic when gone"))
	c.send(textFrame("x"))
	c.gets(ws.OpText, "x")
	_ = c.Close()
	other.gets(ws.OpText, "published before the panic")
}

// A panic in a session that has published does not stop the loop: others get the event.
func TestPanicDoesNotStopTheLoop(t *testing.T) {
	ticked := make(chan struct{}, 1000)
	_, addr := startServer(t, 1, with(func(s *session) {
		s.message = func(s *session, p string) {
			s.subscribe("room")
			if p == "panic" {
				_ = s.directory.Publish(s.Loop(), []byte("room"), textOf("event"), 0)
				panic("on purpose")
			}
		}
		s.check = func(s *session) time.Duration {
			select {
			case ticked <- struct{}{}:
			default:
			}
			return tick
		}
	}))
	other := dialWS(t, addr)
	other.send(textFrame("listen"))
	if _, _, err := other.next(); err != nil {
		t.Fatal(err)
	}
	c := dialWS(t, addr)
	c.send(textFrame("panic"))
	other.gets(ws.OpText, "event")
	for len(ticked) > 0 {
		<-ticked
	}
	receiveOne(t, ticked, "timers fire on")
}
