package eventloop

import "time"

// Healthy reports whether every loop has run a tick within that time, which must be a few ticks at least. A loop that is stuck keeps
// its connections open and serves none of them. It is false until Booted is closed. Safe for concurrent use.
func (s *Server) Healthy(within time.Duration) bool {
	select {
	case <-s.booted:
	default:
		return false
	}
	since := int64(time.Since(s.created) - within)
	for _, l := range s.loops {
		if l.lastTick.Load() < since {
			return false
		}
	}
	return true
}
