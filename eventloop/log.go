package eventloop

import (
	"net"
	"sync"
	"time"

	"go.uber.org/zap"
)

// Events that may happen a thousand times a second are counted, and logged at most every ten seconds.

func (s *Server) logRefused(client net.Addr) {
	n := s.stats.refused.Add(1)
	if s.refusedLog.allow() && !s.stopping.Load() {
		s.log.Warn("connection refused: the server is full; raise the descriptor limit (ulimit -n) or add a node",
			zap.Stringer("client", client), zap.Int64("limit", s.limiter.max), zap.Int64("refused so far", n))
	}
}

// logAcceptFailure logs that a connection could not be accepted or enrolled. addr is the address of the listener, or nil.
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

// gnetLog is the logger of gnet. gnet warns of every event that the poller has reported before its connection was closed. That is no
// fault, and there are hundreds when many clients disconnect at once, so warnings are limited.
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

// logLimiter allows one message every ten seconds, by the monotonic clock. Safe for concurrent use.
type logLimiter struct {
	mu   sync.Mutex
	last time.Time
}

func (t *logLimiter) allow() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.last.IsZero() && time.Since(t.last) < 10*time.Second {
		return false
	}
	t.last = time.Now()
	return true
}
