// Package limitlog counts what has been refused, and logs it once in a while: a client that meets a limit may do so a thousand
// times a second, and a log line for each would be a load of its own.
package limitlog

import (
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// Limit is a bound, or a failure outside of the server that is as frequent.
type Limit uint8

// The limits, in the order of Counts.
const (
	Connections   Limit = iota // of the process: descriptors, max_connections
	SlowConsumer               // bytes waiting for one client
	Memory                     // bytes waiting for all clients: those with the most end
	MemoryRefused              // the same, and new clients are refused
	Pipelined                  // bytes of requests behind one that is being answered
	Subscriptions              // of one connection
	Members                    // of one presence channel
	UserInfo                   // bytes of a member's user_info
	Messages                   // of one connection, in the interval of rate_limiting
	EarlyRefusals              // requests refused before their body arrived
	Accept                     // connections that could not be taken
	Handshake                  // TLS or PROXY protocol
	PlainTLS                   // clients that speak TLS where the server does not
	EngineWarning              // of gnet, which has logged it itself
	limits
)

// described is how a limit is logged, and the name of its count.
var described = [limits]struct {
	name, message string
	info          bool // below a warning
}{
	Connections:   {"connections refused", "connection refused: the server is full; raise the descriptor limit (ulimit -n) or add a node", false},
	SlowConsumer:  {"slow consumers cut off", "slow consumer cut off", false},
	Memory:        {"connections ended for memory", "connection ended: too much waits in memory for all clients (memory_limit), and the most for this one", false},
	MemoryRefused: {"connections refused for memory", "connection refused: too much waits in memory for all clients (memory_limit)", false},
	Pipelined:     {"pipelines cut off", "HTTP connection ends: too many requests are pipelined", false},
	Subscriptions: {"subscriptions refused", "subscription refused: the connection has too many (max_subscriptions)", false},
	Members:       {"members refused", "subscription refused: the presence channel has too many members (max_presence_members)", false},
	UserInfo:      {"user_info refused", "subscription refused: user_info is too large (max_user_info)", false},
	Messages:      {"messages refused", "message refused: the client sends too many (rate_limiting)", true},
	EarlyRefusals: {"requests refused by their head", "request refused before its body", true},
	Accept:        {"accept failures", "a connection could not be taken; if it is for descriptors, raise their limit (ulimit -n)", false},
	Handshake:     {"handshakes failed", "connection refused", true},
	PlainTLS:      {"TLS on the plain port", "connection refused: the client speaks TLS, and this port does not; set REVERB_SCHEME=http in what connects, put a proxy with a certificate in front, or give this server one (--tls-cert)", false},
	EngineWarning: {"warnings of gnet", "warning of gnet", true},
}

// interval is the time between two lines about one limit.
const interval = 10 * time.Second

// Log counts and logs. All methods are safe for concurrent use, and may be called on a nil Log.
type Log struct {
	log    *zap.Logger
	start  time.Time
	counts [limits]atomic.Int64
	last   [limits]atomic.Int64 // when it was logged, in nanoseconds since start
}

// New returns a Log that writes to log, which may be nil.
func New(log *zap.Logger) *Log {
	if log == nil {
		log = zap.NewNop()
	}
	l := &Log{log: log, start: time.Now()}
	for i := range l.last {
		l.last[i].Store(-int64(interval))
	}
	return l
}

// Count counts one refusal. It reports whether it is to be logged: then call Write. So nothing is allocated for the others.
func (l *Log) Count(limit Limit) (write bool) {
	if l == nil {
		return false
	}
	l.counts[limit].Add(1)
	now := int64(time.Since(l.start))
	last := l.last[limit].Load()
	return now-last >= int64(interval) && l.last[limit].CompareAndSwap(last, now)
}

// Write logs one refusal, with the number of those so far.
func (l *Log) Write(limit Limit, fields ...zap.Field) {
	fields = append(fields, zap.Int64("so far", l.counts[limit].Load()))
	d := &described[limit]
	if d.info {
		l.log.Info(d.message, fields...)
	} else {
		l.log.Warn(d.message, fields...)
	}
}

// Of is how often the limit has been met since the start.
func (l *Log) Of(limit Limit) int64 {
	if l == nil {
		return 0
	}
	return l.counts[limit].Load()
}

// Count is how often something has been refused.
type Count struct {
	Name string
	N    int64
}

// Counts returns all counts, in a fixed order.
func (l *Log) Counts() []Count {
	counts := make([]Count, limits)
	for i := range counts {
		counts[i] = Count{described[i].name, l.Of(Limit(i))}
	}
	return counts
}
