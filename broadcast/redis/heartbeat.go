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

// heartbeat sends heartbeats, and looks for those of other nodes. Nothing that takes long may be done on its goroutine.
func (s *session) heartbeat() error {
	t := time.NewTicker(heartbeatInterval)
	defer t.Stop()
	last := time.Now()
	caughtUp := s.everythingTold()
	for {
		select {
		case <-s.ctx.Done():
			return nil
		case <-caughtUp: // until now the previous node spoke for those who are here
			caughtUp = nil
			if s.previous != "" {
				s.startEviction(s.previous, "")
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

// checkPeers sends one heartbeat, and evicts the nodes that send none any longer. A Redis that takes no writes for a while, as one whose
// disk is full, still brings events from node to node: then nobody is dead, since no node can send a heartbeat.
func (s *session) checkPeers() error {
	now := time.Now()
	all, refusal, err := s.sendHeartbeat()
	if err != nil {
		return fmt.Errorf("redis: sending a heartbeat: %w", err)
	}
	if refusal != "" {
		s.bus.peers.resetLeases(now)
		if s.bus.failureLog.allow() {
			s.bus.log.Warn("Redis takes no heartbeat: until it does, no node is taken off the cluster, and members are known to their node alone",
				zap.String("refusal", refusal))
		}
		return nil
	}
	s.registered.Store(true)
	for node, count := range s.bus.peers.update(all, s.bus.originName(), leaseTimeout, now) {
		if s.evictions.tell(node) {
			s.bus.log.Warn("a node shows no sign of life: its members leave", zap.String("node", node))
		}
		s.startEviction(node, count)
	}
	return nil
}

func (s *session) sendHeartbeat() (all map[string]string, refusal string, err error) {
	until := s.commandsUntil.Load()
	if until == 0 {
		until = 1 << 50 // it is the first one, of a node that nobody knows yet
	}
	reply, err := heartbeatScript.Run(s.ctx, s.client, []string{s.names.nodes(), s.names.dead(s.node)}, until, s.node).Slice()
	if err != nil {
		return nil, "", err
	}
	if len(reply) != 3 {
		return nil, "", errMessage
	}
	seconds, _ := reply[0].(int64)
	s.commandsUntil.Store(seconds + commandTime)
	list, _ := reply[1].([]any)
	all = make(map[string]string, len(list)/2)
	for n := 0; n+1 < len(list); n += 2 {
		node, _ := list[n].(string)
		all[node], _ = list[n+1].(string)
	}
	refusal, _ = reply[2].(string)
	return all, refusal, nil
}
