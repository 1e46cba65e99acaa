package apps

import (
	"time"

	"go.uber.org/zap"

	"reverbd/broadcast"
	"reverbd/broadcast/limitlog"
	"reverbd/protocol/pusher"
)

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

// admitSubscription checks what the limits say of one more subscription. member is nil but on a presence channel.
func (s *Session) admitSubscription(channel []byte, member *broadcast.Identity) *pusher.Error {
	limits := &s.app.Limits
	if n := limits.Subscriptions; n > 0 && s.Subscriptions() >= n && !s.Subscribed(channel) {
		s.met(limitlog.Subscriptions)
		return pusher.ErrSubscriptions
	}
	if n := limits.UserInfo; n > 0 && member != nil && len(member.Info) > n {
		s.met(limitlog.UserInfo)
		return pusher.ErrUserInfo
	}
	return nil
}

// met counts that the client has met a limit.
func (s *Session) met(limit limitlog.Limit) {
	if l := s.sessions.Limits; l.Count(limit) {
		l.Write(limit, zap.String("app", s.app.ID), zap.Stringer("socket", s.ID))
	}
}
