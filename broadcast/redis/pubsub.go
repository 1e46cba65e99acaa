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

// pubsubConns is the pub/sub connections of a session: one, or one for each server of a cluster.
type pubsubConns struct {
	session *session

	mu       sync.Mutex
	byServer map[string]*pubsubConn
	closed   bool

	confirmed *inbox[string] // channels of Redis, one for each command that Redis has confirmed
}

// pubsubConn is one pub/sub connection.
type pubsubConn struct {
	session *session
	pubsub  *subscriber
	seen    map[uint64]*window // by process; of the receiving goroutine alone
}

// A pub/sub connection is pinged, and counts as lost if nothing arrives for receiveTimeout.
const (
	pingInterval   = 2 * time.Second
	receiveTimeout = 6 * time.Second
)

func newPubsubConns(s *session) *pubsubConns {
	return &pubsubConns{session: s, byServer: make(map[string]*pubsubConn), confirmed: newInbox[string]()}
}

// connFor returns the connection for a channel of Redis, and opens it if necessary.
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

// close closes all connections.
func (c *pubsubConns) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, conn := range c.byServer {
		_ = conn.pubsub.Close()
	}
	clear(c.byServer)
}

// subscribeAndWait subscribes to the channels of the node itself, and waits until Redis has confirmed them.
func (c *pubsubConns) subscribeAndWait(names ...string) error {
	if err := c.subscribe(names); err != nil {
		return err
	}
	missing := len(names)
	timeout := time.After(commandTimeout)
	for missing > 0 {
		missing -= len(c.confirmed.take())
		if missing <= 0 {
			return nil
		}
		select {
		case <-c.confirmed.changed:
		case <-timeout:
			return errors.New("redis: SUBSCRIBE is not confirmed")
		case <-c.session.ctx.Done():
			return context.Cause(c.session.ctx)
		}
	}
	return nil
}

// isNodeChannel reports whether a channel of Redis is one of those that subscribeAndWait subscribes to. A cluster ends
// such a subscription, too, when it moves the channel to another server.
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

// command sends a command for many channels: in batches, or one by one in a cluster, where each channel has its own slot.
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
		if err := do(conn.pubsub.PubSub, c.session.ctx, chunk...); err != nil {
			return fmt.Errorf("redis: subscribing: %w", err)
		}
	}
	return nil
}

// ping sends PING, which Redis answers on the same connection.
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

// run receives messages until the session ends.
func (c *pubsubConn) run() error {
	s := c.session
	for {
		m, err := c.pubsub.ReceiveTimeout(s.ctx, receiveTimeout)
		switch {
		case s.ctx.Err() != nil:
			return context.Cause(s.ctx)
		case err != nil && unavailable(err):
			return fmt.Errorf("redis: receiving: %w", err)
		case err != nil:
			continue // a refused PING, as where the disk of Redis is full: a sign of life all the same
		}
		switch m := m.(type) {
		case *goredis.Subscription:
			s.pubsub.confirmed.add(m.Channel)
		case *goredis.Message:
			c.receive(m)
		}
	}
}
