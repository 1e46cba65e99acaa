package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// ears are the connections over which a session hears: one, or one for each server of a cluster.
type pubsubConns struct {
	session *session

	mu       sync.Mutex
	byServer map[string]*pubsubConn
	closed   bool

	confirmMu     sync.Mutex
	confirmations []string // channels of Redis for which a command was confirmed
	confirmed     chan struct{}
}

// ear is one connection.
type pubsubConn struct {
	session *session
	pubsub  *goredis.PubSub
	seen    map[uint64]lastSeen // by process; of the receiving goroutine alone
}

// heard is how far the messages of a process have been heard on one connection.
type lastSeen struct {
	number uint64
	at     time.Time
}

// Signs of life of a connection: Redis is asked for one, and must have sent something since.
const (
	pingInterval   = 2 * time.Second
	receiveTimeout = 6 * time.Second
)

func newPubsubConns(s *session) *pubsubConns {
	return &pubsubConns{session: s, byServer: make(map[string]*pubsubConn), confirmed: make(chan struct{}, 1)}
}

// at returns the ear for a channel of Redis, which it opens if need be.
func (c *pubsubConns) connFor(name string) (*pubsubConn, error) {
	s := c.session
	server, open, err := s.client.server(s.ctx, name)
	if err != nil {
		return nil, fmt.Errorf("redis: finding the server of a channel: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, context.Cause(s.ctx)
	}
	if conn := c.byServer[server]; conn != nil {
		return conn, nil
	}
	conn := &pubsubConn{session: s, pubsub: open(), seen: s.bus.seenFrom(server)}
	c.byServer[server] = conn
	s.spawn(conn.run)
	s.spawn(conn.ping)
	return conn, nil
}

// close ends all connections.
func (c *pubsubConns) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, conn := range c.byServer {
		_ = conn.pubsub.Close()
	}
	clear(c.byServer)
}

// listen subscribes to channels of the nodes themselves, and waits until they are heard.
func (c *pubsubConns) subscribeAndWait(names ...string) error {
	if err := c.subscribe(names); err != nil {
		return err
	}
	missing := len(names)
	timeout := time.After(commandTimeout)
	for missing > 0 {
		missing -= len(c.takeConfirmed())
		if missing <= 0 {
			return nil
		}
		select {
		case <-c.confirmed:
		case <-timeout:
			return errors.New("redis: subscribing is not answered")
		case <-c.session.ctx.Done():
			return context.Cause(c.session.ctx)
		}
	}
	return nil
}

// own reports whether a channel of Redis is one of those that listen subscribes to. A cluster ends such a subscription, too, when it moves the
// channel to another server.
func (c *pubsubConns) isNodeChannel(name string) bool {
	s := c.session
	return name == s.names.control() || name == s.names.replies(s.bus.originName())
}

func (c *pubsubConns) subscribe(names []string) error {
	return c.command(names, (*goredis.PubSub).Subscribe, (*goredis.PubSub).SSubscribe)
}

func (c *pubsubConns) unsubscribe(names []string) error {
	return c.command(names, (*goredis.PubSub).Unsubscribe, (*goredis.PubSub).SUnsubscribe)
}

type command func(p *goredis.PubSub, ctx context.Context, names ...string) error

// command sends a command for many channels: in lumps, or on a cluster, where each has its own place, one by one.
func (c *pubsubConns) command(names []string, plain, sharded command) error {
	batch, do := 1000, plain
	if c.session.client.cluster != nil {
		batch, do = 1, sharded
	}
	for chunk := range slices.Chunk(names, batch) {
		conn, err := c.connFor(chunk[0])
		if err != nil {
			return err
		}
		if err := do(conn.pubsub, c.session.ctx, chunk...); err != nil {
			return fmt.Errorf("redis: subscribing: %w", err)
		}
	}
	return nil
}

func (c *pubsubConns) confirm(name string) {
	c.confirmMu.Lock()
	c.confirmations = append(c.confirmations, name)
	c.confirmMu.Unlock()
	select {
	case c.confirmed <- struct{}{}:
	default:
	}
}

func (c *pubsubConns) takeConfirmed() []string {
	c.confirmMu.Lock()
	defer c.confirmMu.Unlock()
	list := c.confirmations
	c.confirmations = nil
	return list
}

// ping asks Redis for a sign of life.
func (c *pubsubConn) ping() error {
	t := time.NewTicker(pingInterval)
	defer t.Stop()
	for {
		select {
		case <-c.session.ctx.Done():
			return nil
		case <-t.C:
			if err := c.pubsub.Ping(c.session.ctx); err != nil && c.session.ctx.Err() == nil {
				return fmt.Errorf("redis: pinging: %w", err)
			}
		}
	}
}

// run receives until the session ends.
func (c *pubsubConn) run() error {
	s := c.session
	for {
		m, err := c.pubsub.ReceiveTimeout(s.ctx, receiveTimeout)
		switch {
		case s.ctx.Err() != nil:
			return context.Cause(s.ctx)
		case err != nil:
			return fmt.Errorf("redis: receiving: %w", err)
		}
		switch m := m.(type) {
		case *goredis.Subscription:
			s.pubsub.confirm(m.Channel)
		case *goredis.Message:
			c.receive(m)
		}
	}
}
