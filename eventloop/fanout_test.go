package eventloop

import (
	"strconv"
	"sync"
	"testing"

	"reverbd/broadcast"
	"reverbd/protocol/ws"
)

// countingConn calls wrote before each write.
type countingConn struct {
	broadcast.Conn
	wrote func()
}

func (c countingConn) Write(p []byte) {
	c.wrote()
	c.Conn.Write(p)
}

// A fan-out does not hold up the other clients of the loop: one that sends a ping in the middle of it is answered between two calls of
// Drain, and not after the last delivery.
func TestFanOutIsInterrupted(t *testing.T) {
	subscribers := 3000
	if testing.Short() {
		subscribers = 300
	}
	const middle = 100
	writes := 0 // owned by the loop, as is pinger
	var pinger *client
	wrote := func() {
		if writes++; writes == middle && pinger != nil {
			pinger.send(frame(ws.OpPing, "now")) // is in the socket before the next delivery
		}
	}
	start, pinged := make(chan *client, 1), make(chan int, 1)
	_, addr := startServer(t, 1, with(func(s *session) {
		s.message = func(s *session, p string) {
			switch p {
			case "listen":
				s.subscribe("room")
			case "publish":
				pinger = <-start
				writes = 0
				_ = s.directory.Publish(s.Loop(), []byte("room"), textOf("event"), 0)
			}
		}
		s.open = func(s *session, l *broadcast.Loop, c broadcast.Conn) { s.join(l, countingConn{c, wrote}) }
		s.control = func(_ *session, op ws.OpCode) {
			if op == ws.OpPing {
				pinged <- writes
			}
		}
	}))
	all := make([]*client, subscribers)
	for i := range all {
		all[i] = dialWS(t, addr)
		all[i].send(textFrame("listen"))
	}
	for _, c := range all {
		if _, _, err := c.next(); err != nil {
			t.Fatal(err)
		}
	}
	c, publisher := dialWS(t, addr), dialWS(t, addr)
	publisher.send(textFrame("publish"))
	start <- c
	n := receiveOne(t, pinged, "the ping is read")
	if n < middle || n >= subscribers {
		t.Errorf("the ping came in delivery %d and was read in delivery %d of %d", middle, n, subscribers)
	}
	c.gets(ws.OpPong, "now")
	for _, c := range all {
		c.gets(ws.OpText, "event")
	}
}

// Events keep their order on all loops, though a fan-out takes several calls of Drain and more is published meanwhile.
func TestFanOutKeepsOrder(t *testing.T) {
	const subscribers, events = 200, 300
	s, addr := startServer(t, 2, with(func(s *session) {
		s.message = func(s *session, _ string) { s.subscribe("room") }
	}))
	all := make([]*client, subscribers)
	for i := range all {
		all[i] = dialWS(t, addr)
		all[i].send(textFrame("listen"))
		if _, _, err := all[i].next(); err != nil {
			t.Fatal(err)
		}
	}
	directory := directoryOf(t, s)
	var readers sync.WaitGroup
	for _, c := range all {
		readers.Go(func() {
			for i := range events {
				if _, p, err := c.next(); err != nil || p != strconv.Itoa(i) {
					t.Errorf("event %d: got %q, %v", i, p, err)
					return
				}
			}
		})
	}
	for i := range events {
		if err := directory.Publish(nil, []byte("room"), textOf(strconv.Itoa(i)), 0); err != nil {
			t.Fatal(err)
		}
	}
	readers.Wait()
}
