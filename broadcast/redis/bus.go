package redis

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"reverbd/broadcast"
)

// Bus is a broadcast.Bus through Redis. It serves one Hub, the one that Run is called with.
type Bus struct {
	options  Options
	names    names
	client   client
	log      *zap.Logger
	cacheTTL time.Duration

	origin      uint64 // random id of this process
	epoch       int    // number of sessions so far; each is a node of its own to the others
	lastNumber  uint64 // of a message; of the publishing goroutine
	queue       *queue
	unsynced    map[string]bool // processes that were there before Redis was lost and have not caught up since; of the session
	unconfirmed []item          // taken from the queue and not known to be published; of the publishing goroutine
	dirty       *inbox[channelRef]
	seen        map[string]map[uint64]*window // by server and origin; of the session that is open
	queries     queries
	outbox      *Outbox
	peers       *peers

	ready     chan struct{} // closed when Redis has been reached for the first time
	readyOnce sync.Once
	closing   chan struct{} // closed by Close
	closeOnce sync.Once
	ended     chan struct{} // closed when Run has returned

	stats         stats
	foreignLog    logLimiter
	droppedLog    logLimiter
	failureLog    logLimiter
	unansweredLog logLimiter
}

// Stats are counters since the start.
type Stats struct {
	Connected  bool
	Peers      int   // other nodes that reply to queries, as far as is known
	Sessions   int64 // sessions with Redis so far
	Foreign    int64 // messages on the channels of this installation that no node has sent
	Dropped    int64 // events of other nodes that were lost because a loop was overloaded
	Refused    int64 // events of this node that Redis refused for good, so that no other node got them
	Unanswered int64 // queries that some node did not reply to in time
	Queued     int64 // bytes that wait to be published
}

type stats struct {
	connected                                       atomic.Bool
	sessions, foreign, dropped, refused, unanswered atomic.Int64
}

// New returns a Bus that is not connected: see Run. cacheTTL is the time to live of the last event of cache channels.
func New(o Options, cacheTTL time.Duration, log *zap.Logger) (*Bus, error) {
	switch {
	case o.Channel == "":
		return nil, errors.New("redis: no channel given")
	case strings.ContainsAny(o.Channel, "{}"):
		return nil, errors.New("redis: the channel has a brace in it, by which Redis Cluster would place all keys")
	case len(o.Addrs) == 0:
		return nil, errors.New("redis: no address given")
	}
	if o.QueueBytes <= 0 {
		o.QueueBytes = 32 << 20
	}
	if log == nil {
		log = zap.NewNop()
	}
	b := &Bus{
		options: o, names: names{o.Channel}, client: newClient(o), log: log, cacheTTL: max(cacheTTL, time.Second),
		origin: rand.Uint64(), queue: newQueue(o.QueueBytes), dirty: newInbox[channelRef](), peers: newPeers(), unsynced: make(map[string]bool),
		ready: make(chan struct{}), closing: make(chan struct{}), ended: make(chan struct{}),
		foreignLog: logLimiter{every: time.Minute}, droppedLog: logLimiter{every: 10 * time.Second},
		failureLog: logLimiter{every: 10 * time.Second}, unansweredLog: logLimiter{every: 10 * time.Second},
	}
	b.outbox = newOutbox(b)
	return b, nil
}

// Ready is closed when Redis has been reached for the first time.
func (b *Bus) Ready() <-chan struct{} { return b.ready }

// Stats returns the counters.
func (b *Bus) Stats() Stats {
	return Stats{
		Connected: b.stats.connected.Load(), Peers: b.peers.count(), Sessions: b.stats.sessions.Load(), Foreign: b.stats.foreign.Load(),
		Dropped: b.stats.dropped.Load(), Refused: b.stats.refused.Load(), Unanswered: b.stats.unanswered.Load(), Queued: b.queue.waiting(),
	}
}

// Reserve implements broadcast.Bus.
func (b *Bus) Reserve(count, n int) error { return b.queue.reserve(count, n) }

// Release implements broadcast.Bus.
func (b *Bus) Release(count, n int) { b.queue.release(int64(n + count*itemOverhead)) }

// Publish implements broadcast.Bus.
func (b *Bus) Publish(e broadcast.Event) {
	it := item{
		kind: kindEvent, channel: b.names.events(e.App, e.Channel), event: e, payload: e.Frame.Payload(),
		size: int64(len(e.Frame) + itemOverhead),
	}
	if isCache(e.Channel) {
		it.kind = kindCached
	}
	b.queue.push(it)
}

// MarkDirty implements broadcast.Bus.
func (b *Bus) MarkDirty(d *broadcast.Directory, channel string) {
	b.dirty.add(channelRef{d, channel})
}

// originName is the id of this process in control messages and node names.
func (b *Bus) originName() string {
	return hex.EncodeToString(binary.BigEndian.AppendUint64(nil, b.origin))
}

// Backoff between attempts to reach Redis.
const (
	backoffMin  = 100 * time.Millisecond
	backoffMax  = 2 * time.Second
	stableAfter = 10 * time.Second // a session of this length resets the backoff
)

// Run connects h with the other nodes until ctx is done or Close is called. When Redis is lost it tries again, for ever.
func (b *Bus) Run(ctx context.Context, h *broadcast.Hub) {
	defer close(b.ended)
	defer func() { _ = b.client.Close() }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	expiring := make(chan struct{})
	go func() {
		defer close(expiring)
		b.expirePending(ctx, h)
	}()
	defer func() {
		cancel()
		<-expiring
	}()
	pause := backoffMin
	for {
		began := time.Now()
		err := newSession(b, h).run(ctx)
		if ctx.Err() != nil || isClosed(b.closing) {
			return
		}
		if time.Since(began) > stableAfter {
			pause = backoffMin
		}
		b.logDisconnect(err)
		select {
		case <-time.After(pause/2 + rand.N(pause/2)): // jitter: all nodes have lost Redis at the same moment
		case <-ctx.Done():
			return
		case <-b.closing:
			return
		}
		pause = min(2*pause, backoffMax)
	}
}

// expirePending lets pending subscriptions succeed whose deadline has passed.
func (b *Bus) expirePending(ctx context.Context, h *broadcast.Hub) {
	t := time.NewTicker(100 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			h.ExpirePending()
		}
	}
}

// Close publishes what is queued, removes this node from the cluster, and ends Run. If ctx is done first, the other nodes
// evict this one when its lease ends.
func (b *Bus) Close(ctx context.Context) error {
	b.closeOnce.Do(func() { close(b.closing) })
	select {
	case <-b.ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("redis: leaving the cluster: %w", ctx.Err())
	}
}
