package main

import (
	"context"
	"time"

	"go.uber.org/zap"

	"reverbd/broadcast"
	"reverbd/broadcast/redis"
	"reverbd/cmd/reverbd/config"
	"reverbd/cmd/reverbd/control"
)

// How long the start waits for Redis, and the end for messages that are not published yet.
const (
	joinTimeout  = time.Second
	leaveTimeout = 4 * time.Second
)

// cluster is the connection with the other nodes. A nil cluster is a node on its own.
type cluster struct{ bus *redis.Bus }

// newCluster makes a connection with the other nodes, if the configuration asks for one. Nothing is connected yet.
func newCluster(conf config.Config, log *zap.Logger) (*cluster, error) {
	if conf.Scaling == nil {
		return nil, nil
	}
	bus, err := redis.New(*conf.Scaling, conf.CacheTTL, log)
	if err != nil {
		return nil, err
	}
	return &cluster{bus}, nil
}

// outbox is what the nodes tell outside together; nil for a node of its own.
func (c *cluster) outbox() broadcast.Outbox {
	if c == nil {
		return nil
	}
	return c.bus.Outbox()
}

// options puts the connection into the options of a hub.
func (c *cluster) options(o broadcast.Options) broadcast.Options {
	if c != nil {
		o.Bus = c.bus
	}
	return o
}

// join connects the hub. Without Redis it returns after joinTimeout: the node serves its own clients until Redis is reached.
func (c *cluster) join(h *broadcast.Hub, log *zap.Logger) {
	if c == nil {
		return
	}
	go c.bus.Run(context.Background(), h)
	select {
	case <-c.bus.Ready():
	case <-time.After(joinTimeout):
		log.Warn("starting without Redis: this node joins the others when it can be reached")
	}
}

// report returns the part of status about the other nodes.
func (c *cluster) report() *control.Cluster {
	if c == nil {
		return nil
	}
	s := c.bus.Stats()
	return &control.Cluster{
		Connected: s.Connected, Others: s.Peers, Waiting: s.Queued, Sessions: s.Sessions, Lost: s.Dropped, Unheard: s.Unanswered, Foreign: s.Foreign,
	}
}

// leave publishes what is still queued, and that this node is gone.
func (c *cluster) leave(log *zap.Logger) {
	if c == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	if err := c.bus.Close(ctx); err != nil {
		log.Warn("the other nodes have to find out by themselves that this one is gone", zap.Error(err))
	}
}
