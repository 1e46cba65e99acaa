package eventloop

import (
	"net"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// What may happen a thousand times a second is counted, and told once in a while.

func (s *Server) refused(client net.Addr) {
	n := s.stats.refused.Add(1)
	if s.refusals.ready() && !s.stopping.Load() {
		s.log.Warn("connection refused: the server is full; raise the descriptor limit (ulimit -n) or add a node",
			zap.Stringer("client", client), zap.Int64("limit", s.gate.cap), zap.Int64("refused so far", n))
	}
}

// acceptFailed tells of connections that could not be taken. addr is the listener's; it may be nil.
func (s *Server) acceptFailed(addr net.Addr, err error) {
	if s.failures.ready() {
		s.log.Warn("a connection could not be taken; if it is for descriptors, raise their limit (ulimit -n)",
			zap.Any("listener", addr), zap.Error(err))
	}
}

func (s *Server) slowConsumer(c *conn) {
	n := s.stats.slowConsumers.Add(1)
	if s.slow.ready() {
		s.log.Warn("slow consumer cut off", zap.String("client", c.Client()),
			zap.Int("bytes waiting", c.gnet.OutboundBuffered()), zap.Int64("cut off so far", n))
	}
}

// engineLog is gnet's logger. gnet warns of every event that was on its way when its connection was closed, which is no fault and
// comes by the hundred when many clients leave at once: once in a while is enough.
type engineLog struct {
	*zap.SugaredLogger
	warnings throttle
}

// Warnf implements gnet's logging.Logger.
func (l *engineLog) Warnf(format string, args ...any) {
	if l.warnings.ready() {
		l.SugaredLogger.Warnf(format, args...)
	}
}

// throttle lets a message through once every ten seconds.
type throttle struct{ last atomic.Int64 }

func (t *throttle) ready() bool {
	now := time.Now().Unix()
	last := t.last.Load()
	return now-last >= 10 && t.last.CompareAndSwap(last, now)
}
