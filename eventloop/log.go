package eventloop

import (
	"net"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// What may happen a thousand times a second is counted, and told once in a while.

func (s *Server) logRefused(client net.Addr) {
	n := s.stats.refused.Add(1)
	if s.refusedLog.allow() && !s.stopping.Load() {
		s.log.Warn("connection refused: the server is full; raise the descriptor limit (ulimit -n) or add a node",
			zap.Stringer("client", client), zap.Int64("limit", s.limiter.max), zap.Int64("refused so far", n))
	}
}

// logAcceptFailure tells of connections that could not be taken. addr is the listener's; it may be nil.
func (s *Server) logAcceptFailure(addr net.Addr, err error) {
	if s.acceptFailureLog.allow() {
		s.log.Warn("a connection could not be taken; if it is for descriptors, raise their limit (ulimit -n)",
			zap.Any("listener", addr), zap.Error(err))
	}
}

func (s *Server) logSlowConsumer(c *conn) {
	n := s.stats.slowConsumers.Add(1)
	if s.slowConsumerLog.allow() {
		s.log.Warn("slow consumer cut off", zap.String("client", c.Client()),
			zap.Int("bytes waiting", c.gnet.OutboundBuffered()), zap.Int64("cut off so far", n))
	}
}

// gnetLog is gnet's logger. gnet warns of every event that was on its way when its connection was closed, which is no fault and
// comes by the hundred when many clients leave at once: once in a while is enough.
type gnetLog struct {
	*zap.SugaredLogger
	warnings logLimiter
}

// Warnf implements gnet's logging.Logger.
func (l *gnetLog) Warnf(format string, args ...any) {
	if l.warnings.allow() {
		l.SugaredLogger.Warnf(format, args...)
	}
}

// logLimiter lets a message through once every ten seconds.
type logLimiter struct{ last atomic.Int64 }

func (t *logLimiter) allow() bool {
	now := time.Now().Unix()
	last := t.last.Load()
	return now-last >= 10 && t.last.CompareAndSwap(last, now)
}
