package apps

import "time"

// limiter counts the messages of one connection in a fixed window that begins with its first message.
type limiter struct {
	since time.Time
	count int
}

// limited counts one message of the session and reports whether it is one too many.
func (s *Session) limited() bool {
	if !s.app.RateLimit.Enabled {
		return false
	}
	if s.limiter == nil {
		s.limiter = new(limiter)
	}
	return !s.limiter.allow(s.app.RateLimit, s.now())
}

// allow counts one message and reports whether it is within the limit. Refused messages are not counted.
func (l *limiter) allow(limit RateLimit, now time.Time) bool {
	if l.count == 0 || now.Sub(l.since) >= limit.Decay {
		l.since, l.count = now, 0
	}
	if l.count >= limit.MaxAttempts {
		return false
	}
	l.count++
	return true
}
