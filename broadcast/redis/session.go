package redis

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"reverbd/broadcast"
)

// session is the time between reaching Redis and losing it. Each session is a node of its own to the other nodes: what
// Redis knows of the previous one is removed once the new one has registered all its users, so that no user who stays is
// seen leaving.
type session struct {
	bus      *Bus
	hub      *broadcast.Hub
	client   client
	names    names
	node     string
	previous string // the node of the previous session; "" if there was none

	ctx  context.Context
	fail context.CancelCauseFunc
	work sync.WaitGroup

	pubsub        *pubsubConns
	subscriptions *subscriptions
	evictions     *evictions
	told          chan struct{} // closed when the outbox has everything that was there when the session began
	caughtUp      chan struct{} // closed when Redis has confirmed all channels that the hub wanted when the session began
	registered    atomic.Bool   // Redis has taken a heartbeat: if the node dies, another one takes its members off
	commandsUntil atomic.Int64  // the last second of Redis's clock in which commands on members count
}

var (
	errClosed  = errors.New("redis: closed")
	errMoved   = errors.New("redis: the cluster has moved a channel to another server")
	errStalled = errors.New("redis: this process was stopped for too long")
)

func newSession(b *Bus, h *broadcast.Hub) *session {
	s := &session{bus: b, hub: h, client: b.client, names: b.names, evictions: newEvictions(), caughtUp: make(chan struct{}), told: make(chan struct{})}
	if b.epoch > 0 {
		s.previous = fmt.Sprintf("%s-%d", b.originName(), b.epoch)
	}
	b.epoch++
	s.node = fmt.Sprintf("%s-%d", b.originName(), b.epoch)
	s.subscriptions = newSubscriptions(s)
	s.pubsub = newPubsubConns(s)
	return s
}

// run serves until the session fails, and returns why.
func (s *session) run(ctx context.Context) error {
	s.ctx, s.fail = context.WithCancelCause(ctx)
	defer s.fail(nil)
	defer s.work.Wait()
	defer s.pubsub.close()
	if err := s.connect(); err != nil {
		s.fail(err)
		return err
	}
	s.bus.stats.sessions.Add(1)
	s.bus.stats.connected.Store(true)
	s.bus.log.Info("connected with the other nodes through Redis", zap.String("node", s.node), zap.Int("other nodes", s.bus.peers.count()))
	s.bus.readyOnce.Do(func() { close(s.bus.ready) })
	s.bus.queries.setSession(s)
	s.hub.BusConnected()
	s.spawn(s.subscriptions.run)
	s.spawn(s.publish)
	s.spawn(s.heartbeat)
	s.serveOutbox()
	select {
	case <-s.ctx.Done():
	case <-s.bus.closing:
		s.leave()
		s.fail(errClosed)
	}
	s.bus.queries.setSession(nil)
	s.bus.stats.connected.Store(false)
	s.fail(nil)
	s.pubsub.close()
	s.work.Wait()
	s.bus.outbox.end()
	s.hub.BusDisconnected()
	return context.Cause(s.ctx)
}

// connect does what must be done before the hub is told that the bus is connected.
func (s *session) connect() error {
	if err := s.client.loadScripts(s.ctx); err != nil {
		return fmt.Errorf("redis: loading scripts: %w", err)
	}
	maps.Copy(s.bus.unsynced, s.bus.peers.responsive())
	s.bus.peers.resetLeases(time.Now())
	// The node sends a heartbeat before it registers a user, so that it can be evicted whatever happens.
	if err := s.checkPeers(); err != nil {
		return err
	}
	if err := s.pubsub.subscribeAndWait(s.names.control(), s.names.replies(s.bus.originName())); err != nil {
		return err
	}
	return s.publishControl(s.names.control(), s.hello())
}

// hello is the message that announces this node.
func (s *session) hello() []byte {
	return appendControl(kindHello, controlMessage{Origin: s.bus.originName(), Node: s.node})
}

// spawn runs a goroutine of the session. An error that it returns ends the session.
func (s *session) spawn(f func() error) {
	s.work.Go(func() {
		if err := f(); err != nil {
			s.fail(err)
		}
	})
}

// publishControl publishes a message at once, not in the order of events.
func (s *session) publishControl(channel string, message []byte) error {
	if err := s.client.Do(s.ctx, s.client.publishCommand(), channel, message).Err(); err != nil {
		return fmt.Errorf("redis: publishing: %w", err)
	}
	return nil
}

// leaveTimeout is how long a node that is closed tries to publish what is queued.
const leaveTimeout = 3 * time.Second

// leave publishes what is queued, removes this node from the cluster, and says goodbye.
func (s *session) leave() {
	deadline := time.After(leaveTimeout)
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for !s.bus.queue.empty() || !s.subscriptions.idle() || !s.bus.outbox.idle() {
		select {
		case <-poll.C:
		case <-deadline:
			return // the other nodes evict this one
		case <-s.ctx.Done():
			return
		}
	}
	if err := s.evict(s.node, ""); err != nil {
		s.bus.log.Warn("leaving the cluster", zap.Error(err))
		return
	}
	_ = s.publishControl(s.names.control(), appendControl(kindGoodbye, controlMessage{Origin: s.bus.originName(), Node: s.node}))
}
