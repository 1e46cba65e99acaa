package redis

import (
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
)

// logLimiter allows one log message per period. Setting the system's clock does not change the period.
type logLimiter struct {
	every time.Duration
	mu    sync.Mutex
	last  time.Time
}

func (l *logLimiter) allow() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.last.IsZero() && time.Since(l.last) < l.every {
		return false
	}
	l.last = time.Now()
	return true
}

// logDisconnect logs that Redis is lost, and why.
func (b *Bus) logDisconnect(err error) {
	if !b.failureLog.allow() {
		return
	}
	b.log.Warn("Redis cannot be used: this node serves its own clients alone until it can",
		zap.String("at", strings.Join(b.options.Addrs, ", ")), zap.Error(err), zap.Int64("bytes waiting", b.queue.waiting()))
}

// countForeign counts a message that no node of this installation has sent.
func (b *Bus) countForeign(channel any) {
	n := b.stats.foreign.Add(1)
	if b.foreignLog.allow() {
		b.log.Warn("somebody else publishes on the Redis channels of the nodes: foreign messages are ignored",
			zap.Any("channel", channel), zap.Int64("ignored so far", n))
	}
}
