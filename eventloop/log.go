package eventloop

import (
	"net"

	"go.uber.org/zap"

	"reverbd/broadcast/limitlog"
)

// Events that may happen a thousand times a second are counted, and logged at most every ten seconds.

func (s *Server) logRefused(client net.Addr) {
	if s.refusals.Count(limitlog.Connections) && !s.stopping.Load() {
		s.refusals.Write(limitlog.Connections, zap.Stringer("client", client), zap.Int64("limit", s.limiter.max))
	}
}

// logAcceptFailure logs that a connection could not be accepted or enrolled. addr is the address of the listener, or nil.
func (s *Server) logAcceptFailure(addr net.Addr, err error) {
	if s.refusals.Count(limitlog.Accept) {
		s.refusals.Write(limitlog.Accept, zap.Any("listener", addr), zap.Error(err))
	}
}

// logTLS logs that a client speaks TLS where this server does not.
func (s *Server) logTLS(c *conn) {
	if s.refusals.Count(limitlog.PlainTLS) {
		s.refusals.Write(limitlog.PlainTLS, zap.String("client", c.Client()))
	}
}

func (s *Server) logSlowConsumer(c *conn) {
	if s.refusals.Count(limitlog.SlowConsumer) {
		s.refusals.Write(limitlog.SlowConsumer, zap.String("client", c.Client()), zap.Int("bytes waiting", c.gnet.OutboundBuffered()))
	}
}

// gnetLog is the logger of gnet. gnet warns of every event that the poller has reported before its connection was closed. That is no
// fault, and there are hundreds when many clients disconnect at once, so warnings are limited.
type gnetLog struct {
	*zap.SugaredLogger
	limits *limitlog.Log
}

// Warnf implements gnet's logging.Logger.
func (l *gnetLog) Warnf(format string, args ...any) {
	if l.limits.Count(limitlog.EngineWarning) {
		l.SugaredLogger.Warnf(format, args...)
	}
}
