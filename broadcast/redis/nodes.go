package redis

import (
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
)

// Signs of life. A node that shows none for leaseTime is taken off the cluster within another beatTime.
const (
	beatTime  = 2 * time.Second
	leaseTime = 9 * time.Second
	stillTime = 6 * time.Second // who shows no sign of life for so long, though it runs, begins anew
)

// beat shows signs of life, and looks for those of others.
func (s *session) beat() error {
	t := time.NewTicker(beatTime)
	defer t.Stop()
	last := time.Now()
	caught := s.caught
	for {
		select {
		case <-s.ctx.Done():
			return nil
		case <-caught: // until now the former node spoke for those who are here
			caught = nil
			if s.former != "" {
				if err := s.bury(s.former, ""); err != nil {
					return err
				}
			}
			continue
		case <-t.C:
		}
		if time.Since(last) > stillTime {
			return errFrozen
		}
		last = time.Now()
		if err := s.lookAround(); err != nil {
			return err
		}
	}
}

// lookAround shows one sign of life, and cleans up after those who show none any longer.
func (s *session) lookAround() error {
	all, err := s.sign()
	if err != nil {
		return err
	}
	for node, count := range s.bus.peers.see(all, s.bus.originName(), leaseTime, time.Now()) {
		s.bus.log.Warn("a node shows no sign of life: its members leave", zap.String("node", node))
		if err := s.bury(node, count); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) sign() (all map[string]string, err error) {
	keys := []string{s.names.nodes(), s.names.dead(s.node)}
	list, err := beatScript.Run(s.ctx, s.client, keys, s.node).StringSlice()
	if err != nil {
		return nil, fmt.Errorf("redis: showing a sign of life: %w", err)
	}
	all = make(map[string]string, len(list)/2)
	for n := 0; n+1 < len(list); n += 2 {
		all[list[n]] = list[n+1]
	}
	return all, nil
}

// bury takes a node off the cluster that has shown no sign of life since the count; "" for one of this process, which is known to be over.
func (s *session) bury(node, count string) error {
	keys := []string{s.names.nodes(), s.names.dead(node), s.names.lock(node)}
	mine, err := claimScript.Run(s.ctx, s.client, keys, node, count, s.node).Int()
	if err != nil {
		return fmt.Errorf("redis: declaring a node dead: %w", err)
	}
	if mine == 0 {
		return nil // it lives after all, or somebody else is at it
	}
	rooms, err := s.client.SMembers(s.ctx, s.names.rooms(node)).Result()
	if err != nil {
		return fmt.Errorf("redis: reading the rooms of a dead node: %w", err)
	}
	for _, r := range rooms {
		if err := s.remove(node, r); err != nil {
			return err
		}
	}
	s.bus.peers.part(node)
	err = errors.Join(s.client.HDel(s.ctx, s.names.nodes(), node).Err(), s.client.Del(s.ctx, s.names.rooms(node), s.names.lock(node)).Err())
	if err != nil {
		return fmt.Errorf("redis: forgetting a dead node: %w", err)
	}
	return nil
}

// remove takes a dead node's members off one channel.
func (s *session) remove(node, r string) error {
	app, channel, ok := splitRoom(r)
	if !ok {
		return nil
	}
	keys := []string{s.names.roster(app, channel), s.names.members(app, channel, node), s.names.fence(app, channel, node)}
	for {
		left, err := removeScript.Run(s.ctx, s.client, keys,
			s.names.events(app, channel), s.client.publish(), appendHead(nil, kindChanges)).Int()
		if err != nil {
			return fmt.Errorf("redis: removing the members of a dead node: %w", err)
		}
		if left == 0 {
			return nil
		}
	}
}
