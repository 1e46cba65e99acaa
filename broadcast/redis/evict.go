package redis

import (
	"errors"
	"fmt"
)

// evict removes a node and its users from the cluster, unless it has sent a heartbeat since the given count; "" is the
// count for a node of this process, which is known to have ended.
func (s *session) evict(node, count string) error {
	keys := []string{s.names.nodes(), s.names.dead(node), s.names.lock(node)}
	claimed, err := claimScript.Run(s.ctx, s.client, keys, node, count, s.node).Int()
	if err != nil {
		return fmt.Errorf("redis: declaring a node dead: %w", err)
	}
	if claimed == 0 {
		return nil // it has sent a heartbeat, or another node evicts it
	}
	rooms, err := s.client.SMembers(s.ctx, s.names.rooms(node)).Result()
	if err != nil {
		return fmt.Errorf("redis: reading the presence channels of a dead node: %w", err)
	}
	for _, r := range rooms {
		if err := s.removeMembers(node, r); err != nil {
			return err
		}
	}
	s.bus.peers.remove(node)
	err = errors.Join(s.client.HDel(s.ctx, s.names.nodes(), node).Err(), s.client.Del(s.ctx, s.names.rooms(node), s.names.lock(node)).Err())
	if err != nil {
		return fmt.Errorf("redis: deleting the keys of a dead node: %w", err)
	}
	return nil
}

// removeMembers removes the users of an evicted node from one presence channel.
func (s *session) removeMembers(node, r string) error {
	app, channel, ok := splitRoom(r)
	if !ok {
		return nil
	}
	keys := []string{s.names.roster(app, channel), s.names.members(app, channel, node), s.names.fence(app, channel, node)}
	for {
		remaining, err := removeScript.Run(s.ctx, s.client, keys,
			s.names.events(app, channel), s.client.publishCommand(), appendHeader(nil, kindChanges)).Int()
		if err != nil {
			return fmt.Errorf("redis: removing the members of a dead node: %w", err)
		}
		if remaining == 0 {
			return nil
		}
	}
}
