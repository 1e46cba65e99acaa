package redis

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"go.uber.org/zap"

	"reverbd/broadcast"
)

// session is one stretch of time in which Redis is there. To the other nodes each is a node of its own: what Redis still knows of the one before
// is taken back once the new one has told everything, so that nobody who stays is seen leaving.
type session struct {
	bus    *Bus
	hub    *broadcast.Hub
	client client
	names  names
	node   string
	former string // the node of the session before; "" if there was none

	ctx  context.Context
	fail context.CancelCauseFunc
	work sync.WaitGroup

	ears   *ears
	keeper *keeper
	caught chan struct{} // closed when everything wanted is heard
}

var (
	errClosed = errors.New("redis: closed")
	errMoved  = errors.New("redis: the cluster has moved a channel to another server")
	errFrozen = errors.New("redis: this process stood still for too long")
)

func newSession(b *Bus, h *broadcast.Hub) *session {
	s := &session{bus: b, hub: h, client: b.client, names: b.names, caught: make(chan struct{})}
	if b.lives > 0 {
		s.former = fmt.Sprintf("%s-%d", b.originName(), b.lives)
	}
	b.lives++
	s.node = fmt.Sprintf("%s-%d", b.originName(), b.lives)
	s.keeper = newKeeper(s)
	s.ears = newEars(s)
	return s
}

// run serves until something fails. The error says what.
func (s *session) run(ctx context.Context) error {
	s.ctx, s.fail = context.WithCancelCause(ctx)
	defer s.fail(nil)
	defer s.work.Wait()
	defer s.ears.close()
	if err := s.open(); err != nil {
		s.fail(err)
		return err
	}
	s.bus.stats.sessions.Add(1)
	s.bus.stats.connected.Store(true)
	s.bus.log.Info("connected with the other nodes through Redis", zap.String("node", s.node), zap.Int("other nodes", s.bus.peers.count()))
	s.bus.readyOnce.Do(func() { close(s.bus.ready) })
	s.bus.asks.serve(s)
	s.hub.BusConnected()
	s.spawn(s.keeper.run)
	s.spawn(s.publish)
	s.spawn(s.beat)
	select {
	case <-s.ctx.Done():
	case <-s.bus.closing:
		s.leave()
		s.fail(errClosed)
	}
	s.bus.asks.serve(nil)
	s.bus.stats.connected.Store(false)
	s.fail(nil)
	s.ears.close()
	s.work.Wait()
	s.hub.BusDisconnected()
	return context.Cause(s.ctx)
}

// open makes everything ready that must be before the hub is told that it has company.
func (s *session) open() error {
	if err := s.client.loadScripts(s.ctx); err != nil {
		return fmt.Errorf("redis: loading scripts: %w", err)
	}
	maps.Copy(s.bus.absent, s.bus.peers.expected())
	s.bus.peers.excuse(time.Now())
	// The node is known before anybody is on it, so that somebody cleans up after it whatever happens.
	if err := s.lookAround(); err != nil {
		return err
	}
	if err := s.ears.listen(s.names.control(), s.names.answers(s.bus.originName())); err != nil {
		return err
	}
	return s.write(s.names.control(), s.hello())
}

// hello says that this node has come.
func (s *session) hello() []byte {
	return appendLetter(kindHello, letter{Origin: s.bus.originName(), Node: s.node})
}

// spawn runs a part of the session. An error of it ends the session.
func (s *session) spawn(f func() error) {
	s.work.Go(func() {
		if err := f(); err != nil {
			s.fail(err)
		}
	})
}

// write publishes a message by itself, not in the order of events.
func (s *session) write(channel string, message []byte) error {
	if err := s.client.Do(s.ctx, s.client.publish(), channel, message).Err(); err != nil {
		return fmt.Errorf("redis: publishing: %w", err)
	}
	return nil
}

// leaveTime is how long a node that is closing tries to send what it has.
const leaveTime = 3 * time.Second

// leave tells the others all that they do not know yet, and then that this node is gone.
func (s *session) leave() {
	deadline := time.After(leaveTime)
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for !s.bus.queue.empty() || !s.keeper.idle() {
		select {
		case <-poll.C:
		case <-deadline:
			return // the others clean up
		case <-s.ctx.Done():
			return
		}
	}
	if err := s.bury(s.node, ""); err != nil {
		s.bus.log.Warn("leaving the cluster", zap.Error(err))
		return
	}
	_ = s.write(s.names.control(), appendLetter(kindGoodbye, letter{Origin: s.bus.originName(), Node: s.node}))
}
