package eventloop

import (
	"slices"

	"go.uber.org/zap"

	"reverbd/broadcast/limitlog"
)

// What waits in memory has one budget: output that clients do not read, input that is held, events in mailboxes, and cached events.
// Each of these has a limit of its own, but not the sum over all connections. Shares of the budget in percent: above the first, the
// connections with the most output end until as much waits as the second says; above the third, no new WebSocket is accepted.
const (
	cutOffAbove  = 80
	cutOffDownTo = 70
	refuseAbove  = 90
)

// countWaiting adds up what waits in this loop, for waiting. It is called with every tick. Only connections that do not take their
// output at once are looked at.
func (l *loop) countWaiting() {
	n := int64(0)
	for c := range l.backlog {
		if c.state == stateClosed || c.gnet.OutboundBuffered() == 0 {
			delete(l.backlog, c)
			continue
		}
		n += int64(c.gnet.OutboundBuffered())
	}
	for _, p := range l.held {
		n += int64(cap(p))
	}
	l.waiting.Store(n)
	if len(l.backlog) == 0 && l.backlogPeak > 1024 {
		l.backlog, l.backlogPeak = nil, 0 // a map keeps the memory of the most elements that it ever had
	}
}

// noteBacklog is called when output of c waits for its socket.
func (l *loop) noteBacklog(c *conn) {
	if l.backlog == nil {
		l.backlog = make(map[*conn]struct{})
	}
	l.backlog[c] = struct{}{}
	l.backlogPeak = max(l.backlogPeak, len(l.backlog))
}

// Waiting is the number of bytes that wait in memory, as of the last tick. Safe for concurrent use.
func (s *Server) Waiting() int64 {
	n := s.hub.Waiting()
	for _, l := range s.loops {
		n += l.waiting.Load()
	}
	return n
}

// waitingAbove reports whether more than percent of the budget waits. Without a budget it never does.
func (s *Server) waitingAbove(percent int64) bool {
	budget := s.options.MemoryBudget
	return budget > 0 && s.Waiting() > budget/100*percent
}

// relieve ends connections of this loop, those with the most output first, if more waits than the budget allows. Every loop ends its
// share of what is too much. Nobody is told why: what waits already does not reach a client that does not read.
func (l *loop) relieve() {
	s := l.server
	if len(l.backlog) == 0 || !s.waitingAbove(cutOffAbove) {
		return
	}
	largest := make([]*conn, 0, len(l.backlog))
	for c := range l.backlog {
		largest = append(largest, c)
	}
	slices.SortFunc(largest, func(a, b *conn) int { return b.gnet.OutboundBuffered() - a.gnet.OutboundBuffered() })
	all := s.Waiting()
	excess := float64(all - s.options.MemoryBudget/100*cutOffDownTo)
	share := int64(excess * float64(l.waiting.Load()) / float64(all))
	n := 0
	l.shared.Walk(func() bool {
		if n == len(largest) || share <= 0 {
			return false
		}
		c := largest[n]
		n++
		if c.state != stateClosed {
			share -= int64(c.gnet.OutboundBuffered())
			s.logMemory(c)
			c.endForMemory()
		}
		return true
	})
}

func (s *Server) logMemory(c *conn) {
	if s.refusals.Count(limitlog.Memory) {
		s.refusals.Write(limitlog.Memory, zap.String("client", c.Client()), zap.Int("bytes waiting", c.gnet.OutboundBuffered()),
			zap.Int64("bytes waiting for all", s.Waiting()), zap.Int64("budget", s.options.MemoryBudget))
	}
}

func (s *Server) logMemoryRefused(c *conn) {
	if s.refusals.Count(limitlog.MemoryRefused) {
		s.refusals.Write(limitlog.MemoryRefused, zap.String("client", c.Client()), zap.Int64("bytes waiting for all", s.Waiting()),
			zap.Int64("budget", s.options.MemoryBudget))
	}
}
