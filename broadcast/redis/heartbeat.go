package redis

import (
	"fmt"
	"time"

	"go.uber.org/zap"
)

// A node whose heartbeats stop is evicted after leaseTimeout and at most one more heartbeatInterval.
const (
	heartbeatInterval = 2 * time.Second
	leaseTimeout      = 9 * time.Second
	maxStall          = 6 * time.Second // without sending a heartbeat: the session ends, before the others evict its node
)

// heartbeat sends heartbeats, and checks those of the other nodes.
func (s *session) heartbeat() error {
	t := time.NewTicker(heartbeatInterval)
	defer t.Stop()
	last := time.Now()
	caughtUp := s.caughtUp
	for {
		select {
		case <-s.ctx.Done():
			return nil
		case <-caughtUp: // until now the users here were registered by the previous node of this process
			caughtUp = nil
			if s.previous != "" {
				if err := s.evict(s.previous, ""); err != nil {
					return err
				}
			}
			continue
		case <-t.C:
		}
		if time.Since(last) > maxStall {
			return errStalled
		}
		last = time.Now()
		if err := s.checkPeers(); err != nil {
			return err
		}
	}
}

// checkPeers sends one heartbeat, and evicts nodes whose heartbeats have stopped.
func (s *session) checkPeers() error {
	all, err := s.sendHeartbeat()
	if err != nil {
		return err
	}
	for node, count := range s.bus.peers.update(all, s.bus.originName(), leaseTimeout, time.Now()) {
		s.bus.log.Warn("a node shows no sign of life: its members leave", zap.String("node", node))
		if err := s.evict(node, count); err != nil {
			return err
		}
	}
	return nil
}

// sendHeartbeat sends a heartbeat and returns the number of heartbeats of every node.
func (s *session) sendHeartbeat() (all map[string]string, err error) {
	keys := []string{s.names.nodes(), s.names.dead(s.node)}
	list, err := heartbeatScript.Run(s.ctx, s.client, keys, s.node).StringSlice()
	if err != nil {
		return nil, fmt.Errorf("redis: sending a heartbeat: %w", err)
	}
	all = make(map[string]string, len(list)/2)
	for n := 0; n+1 < len(list); n += 2 {
		all[list[n]] = list[n+1]
	}
	return all, nil
}
