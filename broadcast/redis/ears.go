package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"reverbd/broadcast"
	"reverbd/protocol/pusher"
)

// ears are the connections over which a session hears: one, or one for each server of a cluster.
type ears struct {
	session *session

	mu      sync.Mutex
	servers map[string]*ear
	closed  bool

	confirmMu sync.Mutex
	list      []string // channels of Redis for which a command was confirmed
	confirmed chan struct{}
}

// ear is one connection.
type ear struct {
	session *session
	pubsub  *goredis.PubSub
	last    map[uint64]heard // by process; of the receiving goroutine alone
}

// heard is how far the messages of a process have been heard on one connection.
type heard struct {
	number uint64
	at     time.Time
}

// Signs of life of a connection: Redis is asked for one, and must have sent something since.
const (
	pingTime    = 2 * time.Second
	silenceTime = 6 * time.Second
)

func newEars(s *session) *ears {
	return &ears{session: s, servers: make(map[string]*ear), confirmed: make(chan struct{}, 1)}
}

// at returns the ear for a channel of Redis, which it opens if need be.
func (e *ears) at(name string) (*ear, error) {
	s := e.session
	server, open, err := s.client.server(s.ctx, name)
	if err != nil {
		return nil, fmt.Errorf("redis: finding the server of a channel: %w", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, context.Cause(s.ctx)
	}
	if ear := e.servers[server]; ear != nil {
		return ear, nil
	}
	ear := &ear{session: s, pubsub: open(), last: s.bus.memory(server)}
	e.servers[server] = ear
	s.spawn(ear.run)
	s.spawn(ear.ping)
	return ear, nil
}

// close ends all connections.
func (e *ears) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	for _, ear := range e.servers {
		_ = ear.pubsub.Close()
	}
	clear(e.servers)
}

// listen subscribes to channels of the nodes themselves, and waits until they are heard.
func (e *ears) listen(names ...string) error {
	if err := e.subscribe(names); err != nil {
		return err
	}
	missing := len(names)
	timeout := time.After(commandTimeout)
	for missing > 0 {
		missing -= len(e.takeConfirmed())
		if missing <= 0 {
			return nil
		}
		select {
		case <-e.confirmed:
		case <-timeout:
			return errors.New("redis: subscribing is not answered")
		case <-e.session.ctx.Done():
			return context.Cause(e.session.ctx)
		}
	}
	return nil
}

// own reports whether a channel of Redis is one of those that listen subscribes to. A cluster ends such a subscription, too, when it moves the
// channel to another server.
func (e *ears) own(name string) bool {
	s := e.session
	return name == s.names.control() || name == s.names.answers(s.bus.originName())
}

func (e *ears) subscribe(names []string) error {
	return e.command(names, (*goredis.PubSub).Subscribe, (*goredis.PubSub).SSubscribe)
}

func (e *ears) unsubscribe(names []string) error {
	return e.command(names, (*goredis.PubSub).Unsubscribe, (*goredis.PubSub).SUnsubscribe)
}

type command func(p *goredis.PubSub, ctx context.Context, names ...string) error

// command sends a command for many channels: in lumps, or on a cluster, where each has its own place, one by one.
func (e *ears) command(names []string, plain, sharded command) error {
	lump, do := 1000, plain
	if e.session.client.cluster != nil {
		lump, do = 1, sharded
	}
	for part := range slices.Chunk(names, lump) {
		ear, err := e.at(part[0])
		if err != nil {
			return err
		}
		if err := do(ear.pubsub, e.session.ctx, part...); err != nil {
			return fmt.Errorf("redis: subscribing: %w", err)
		}
	}
	return nil
}

func (e *ears) confirm(name string) {
	e.confirmMu.Lock()
	e.list = append(e.list, name)
	e.confirmMu.Unlock()
	select {
	case e.confirmed <- struct{}{}:
	default:
	}
}

func (e *ears) takeConfirmed() []string {
	e.confirmMu.Lock()
	defer e.confirmMu.Unlock()
	list := e.list
	e.list = nil
	return list
}

// ping asks Redis for a sign of life.
func (e *ear) ping() error {
	t := time.NewTicker(pingTime)
	defer t.Stop()
	for {
		select {
		case <-e.session.ctx.Done():
			return nil
		case <-t.C:
			if err := e.pubsub.Ping(e.session.ctx); err != nil && e.session.ctx.Err() == nil {
				return fmt.Errorf("redis: pinging: %w", err)
			}
		}
	}
}

// run receives until the session ends.
func (e *ear) run() error {
	s := e.session
	for {
		m, err := e.pubsub.ReceiveTimeout(s.ctx, silenceTime)
		switch {
		case s.ctx.Err() != nil:
			return context.Cause(s.ctx)
		case err != nil:
			return fmt.Errorf("redis: receiving: %w", err)
		}
		switch m := m.(type) {
		case *goredis.Subscription:
			s.ears.confirm(m.Channel)
		case *goredis.Message:
			e.receive(m)
		}
	}
}

// receive handles one message. Whatever it is, it must not stop the node.
func (e *ear) receive(m *goredis.Message) {
	s := e.session
	var err error
	switch k := kindOf(m.Payload); k {
	case kindEvent, kindCached:
		err = e.event(m, k == kindCached)
	case kindChanges:
		err = s.changes(m)
	case kindTerminate:
		err = e.terminate(m)
	case kindQuestion, kindAnswer, kindHello, kindGoodbye:
		err = s.letter(k, m)
	default:
		err = errMessage
	}
	if err != nil {
		s.bus.stranger(m.Channel)
	}
}

// unseal opens a message with a number. fresh is false for one of our own, and one that was heard before.
func (e *ear) unseal(payload string, ordered bool) (s sealed, fresh bool, err error) {
	if s, err = parseSealed(payload, ordered); err != nil || s.origin == e.session.bus.origin {
		return s, false, err
	}
	before := e.last[s.origin]
	if s.number <= before.number {
		return s, false, nil
	}
	e.last[s.origin] = heard{s.number, time.Now()}
	return s, true, nil
}

func (e *ear) event(m *goredis.Message, ordered bool) error {
	sealed, fresh, err := e.unseal(m.Payload, ordered)
	if err != nil || !fresh {
		return err
	}
	n, last, ok := e.session.keeper.find(m.Channel)
	if !ok || ordered && last.covers(sealed) {
		return nil // nobody wants it any longer, or everybody has it
	}
	e.session.deliver(n, frameOf(sealed.payload), sealed.except, sealed.order)
	return nil
}

// How long a message waits for a loop that is overloaded, before it is given up.
const (
	deliverTime  = time.Second
	deliverPause = 5 * time.Millisecond
)

// deliver brings an event to the subscribers on this node.
func (s *session) deliver(n note, f broadcast.Frame, except pusher.SocketID, order uint64) {
	err := n.directory.Deliver([]byte(n.channel), f, except, order)
	for deadline := time.Now().Add(deliverTime); err != nil && time.Now().Before(deadline); {
		select {
		case <-time.After(deliverPause):
		case <-s.ctx.Done():
			return
		}
		err = n.directory.Deliver([]byte(n.channel), f, except, order)
	}
	if err == nil {
		return
	}
	total := s.bus.stats.dropped.Add(1)
	if s.bus.dropped.ready() {
		s.bus.log.Warn("an event of another node is lost: this node is overloaded", zap.String("channel", n.channel), zap.Int64("lost so far", total))
	}
}

func (s *session) changes(m *goredis.Message) error {
	c, err := parseChanges(m.Payload)
	if err != nil {
		return err
	}
	if n, _, ok := s.keeper.find(m.Channel); ok {
		n.directory.RosterChanged(n.channel, c.before, c.version, c.list)
	}
	return nil
}

func (e *ear) terminate(m *goredis.Message) error {
	sealed, fresh, err := e.unseal(m.Payload, false)
	if err != nil || !fresh {
		return err
	}
	app, user, err := parseTerminate(sealed.payload)
	if err != nil {
		return err
	}
	if d := e.session.hub.Directory(app); d != nil {
		d.TerminateLocal(user)
	}
	return nil
}

// frameOf makes a frame of the payload of one.
func frameOf(payload []byte) broadcast.Frame {
	return broadcast.SealText(append(broadcast.TextBuffer(len(payload)), payload...))
}

// stranger counts a message that is not ours.
func (b *Bus) stranger(channel any) {
	n := b.stats.foreign.Add(1)
	if b.foreign.ready() {
		b.log.Warn("somebody else publishes on our channels in Redis; what is not ours is ignored",
			zap.Any("channel", channel), zap.Int64("ignored so far", n))
	}
}

// memory is how far each process has been heard from a server. It outlives a session, since what is sent again may come in the next one.
func (b *Bus) memory(server string) map[uint64]heard {
	if b.memories == nil {
		b.memories = make(map[string]map[uint64]heard)
	}
	m := b.memories[server]
	if m == nil {
		m = make(map[uint64]heard)
		b.memories[server] = m
	}
	for origin, h := range m {
		if time.Since(h.at) > time.Hour {
			delete(m, origin)
		}
	}
	return m
}
