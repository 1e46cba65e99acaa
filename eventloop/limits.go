package eventloop

import "sync/atomic"

// Limits are limits that may be changed while the server runs.
type Limits struct {
	MaxRequestSize    int // bytes of head and body; 0 is no limit
	SlowConsumerBytes int // that wait for one client before it is cut off; 0 is 1 MiB
}

// limits are Limits for concurrent use.
type limits struct{ request, slowConsumer atomic.Int64 }

// Limit sets the limits for everything that is read and written from now on. Safe for concurrent use.
func (s *Server) Limit(l Limits) {
	if l.SlowConsumerBytes <= 0 {
		l.SlowConsumerBytes = 1 << 20
	}
	s.limits.request.Store(int64(l.MaxRequestSize))
	s.limits.slowConsumer.Store(int64(l.SlowConsumerBytes))
}

// maxRequestSize is in bytes; 0 is no limit.
func (s *Server) maxRequestSize() int { return int(s.limits.request.Load()) }

func (s *Server) slowConsumerBytes() int { return int(s.limits.slowConsumer.Load()) }

// maxPipelined bounds the pipelined requests that wait on one connection, in bytes.
func (s *Server) maxPipelined() int { return max(s.maxRequestSize(), 64<<10) }
