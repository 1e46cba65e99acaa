package redis

import (
	"fmt"
	"time"

	"go.uber.org/zap"
)

// Signs of life. A node that shows none for leaseTime is taken off the cluster within another beatTime.
const (
	heartbeatInterval = 2 * time.Second
	leaseTimeout      = 9 * time.Second
	maxStall          = 6 * time.Second // who shows no sign of life for so long, though it runs, begins anew
)

// beat shows signs of life, and looks for those of others.
func (s *session) heartbeat() error {
	t := time.NewTicker(heartbeatInterval)
	defer t.Stop()
	last := time.Now()
	caughtUp := s.caughtUp
	for {
		select {
		case <-s.ctx.Done():
			return nil
		case <-caughtUp: // until now the former node spoke for those who are here
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

// lookAround shows one sign of life, and cleans up after those who show none any longer.
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

func (s *session) sendHeartbeat() (all map[string]string, err error) {
	keys := []string{s.names.nodes(), s.names.dead(s.node)}
	list, err := heartbeatScript.Run(s.ctx, s.client, keys, s.node).StringSlice()
	if err != nil {
		return nil, fmt.Errorf("redis: showing a sign of life: %w", err)
	}
	all = make(map[string]string, len(list)/2)
	for n := 0; n+1 < len(list); n += 2 {
		all[list[n]] = list[n+1]
	}
	return all, nil
}
