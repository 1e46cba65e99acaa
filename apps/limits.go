package apps

import "time"

// limiter counts the messages of one connection in a fixed window that begins with its first message.
type limiter struct {
	since time.Time
	count int
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
