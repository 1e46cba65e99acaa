package eventloop

import (
	"strings"
	"testing"

	"reverbd/broadcast"
	"reverbd/broadcast/limitlog"
)

// When more waits for all clients than the budget allows, those for whom the most waits end, until enough is free; a client for whom
// little waits stays. While too much waits, new clients are refused with 4100, and they are taken again when memory is free.
func TestMemoryBudget(t *testing.T) {
	const budget, each, greedy, modest = 64 << 20, 12 << 20, 8, 3
	large := strings.Repeat("x", each)
	var subs []*broadcast.Subscriber // owned by the loop
	var s *Server
	s, addr := startServer(t, 1, func(o *Options, sv *Server) {
		with(func(s *session) {
			s.open = func(s *session, l *broadcast.Loop, c broadcast.Conn) {
				s.join(l, c)
				subs = append(subs, &s.Subscriber)
			}
		})(o, sv)
		o.MemoryBudget, o.SlowConsumerBytes = budget, 64<<20
	})
	l := s.loops[0]
	onLoop := func(f func()) {
		t.Helper()
		done := make(chan bool)
		l.shared.Post(taskFunc(func() { f(); close(done) }))
		receiveOne(t, done, "the task runs")
	}
	var clients []*client
	for range greedy + modest {
		c := dialWS(t, addr)
		c.echoes("x")
		clients = append(clients, c)
	}
	refused := false
	onLoop(func() {
		for _, s := range subs[:greedy] {
			s.Send(textOf(large))
			s.Flush()
		}
		l.countWaiting()
		refused = s.waitingAbove(refuseAbove)
		l.relieve()
	})
	if !refused {
		t.Error("a new client would be taken")
	}
	eventually(t, "enough is free", func() bool { return !s.waitingAbove(cutOffAbove) })
	var left int
	onLoop(func() { left = len(l.backlog) })
	if ended := s.refusals.Of(limitlog.Memory); ended == 0 || left == 0 || int(ended)+left != greedy {
		t.Errorf("%d connections have ended and %d still wait, of %d", ended, left, greedy)
	}
	for _, c := range clients[greedy:] {
		c.echoes("still here")
	}

	for _, c := range clients {
		_ = c.Close()
	}
	eventually(t, "nothing waits", func() bool { return s.Waiting() == 0 })
	dialWS(t, addr).echoes("x")
}

// While too much waits new clients are refused with 4100. They are taken again when less does: here, of cached events.
func TestMemoryBudgetRefusesClients(t *testing.T) {
	const budget = 64 << 10
	s, addr := startServer(t, 1, func(o *Options, _ *Server) { o.MemoryBudget = budget })
	cache := func(size int) {
		t.Helper()
		if err := s.options.Accept("/ws").(*session).directory.Publish(nil, []byte("cache-room"), textOf(strings.Repeat("x", size)), 0); err != nil {
			t.Fatal(err)
		}
	}
	before := dialWS(t, addr)
	before.echoes("x")
	cache(budget)
	dialWS(t, addr).closed(4100)
	if n := s.refusals.Of(limitlog.MemoryRefused); n != 1 {
		t.Errorf("%d refused, want 1", n)
	}
	before.echoes("still here")
	cache(1)
	dialWS(t, addr).echoes("taken again")
}
