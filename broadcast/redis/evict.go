package redis

import (
	"fmt"
	"slices"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"go.uber.org/zap"
)

// An eviction works through the channels of a dead node in batches, each one pipeline, so that its time is that of Redis, not that of a
// round trip for each channel. It has a goroutine of its own: heartbeats do not wait for it.
const (
	evictBatch     = 1000
	evictLockTime  = 10 // seconds after which another node goes on where this one has stopped
	maxEvictionsAt = 2  // a time; more dead nodes wait
)

// evictions are the nodes that this session is evicting.
type evictions struct {
	mu    sync.Mutex
	nodes map[string]bool
	told  map[string]bool // nodes that the log has been told of
	slots chan struct{}
}

func newEvictions() *evictions {
	return &evictions{nodes: make(map[string]bool), told: make(map[string]bool), slots: make(chan struct{}, maxEvictionsAt)}
}

// begin reports whether the node is not being evicted yet.
func (e *evictions) begin(node string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.nodes[node] {
		return false
	}
	e.nodes[node] = true
	return true
}

// tell reports whether the log has not been told of the node.
func (e *evictions) tell(node string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	told := e.told[node]
	e.told[node] = true
	return !told
}

func (e *evictions) end(node string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.nodes, node)
}

// startEviction evicts a node on a goroutine of its own: see evict.
func (s *session) startEviction(node, count string) {
	if !s.evictions.begin(node) {
		return
	}
	s.spawn(func() error {
		defer s.evictions.end(node)
		select {
		case s.evictions.slots <- struct{}{}:
			defer func() { <-s.evictions.slots }()
		case <-s.ctx.Done():
			return nil
		}
		err := s.evict(node, count)
		if unavailable(err) {
			return err
		}
		if err != nil && s.bus.failureLog.allow() {
			s.bus.log.Warn("Redis refuses to forget a dead node", zap.String("node", node), zap.Error(err))
		}
		return nil
	})
}

// evict takes a node off the cluster that has sent no heartbeat since the count; "" is for one of this process, which is known to be over.
// What it does not finish another node does, or the next session.
func (s *session) evict(node, count string) error {
	keys := []string{s.names.nodes(), s.names.dead(node), s.names.lock(node)}
	claimed, err := claimScript.Run(s.ctx, s.client, keys, node, count, s.node, fenceTime, evictLockTime).Int()
	if err != nil {
		return fmt.Errorf("redis: declaring a node dead: %w", err)
	}
	if claimed == 0 {
		return nil // it lives after all, or another node is at it
	}
	began := time.Now()
	channels := 0
	rooms, err := s.nextRooms(node, nil)
	for ; err == nil && len(rooms) > 0; rooms, err = s.nextRooms(node, rooms) {
		if err := s.removeMembers(node, slices.Clone(rooms)); err != nil {
			return err
		}
		channels += len(rooms)
	}
	if err != nil {
		return fmt.Errorf("redis: reading the presence channels of a dead node: %w", err)
	}
	if err := s.removePresent(node); err != nil {
		return err
	}
	s.bus.peers.remove(node)
	pipe := s.client.Pipeline()
	pipe.HDel(s.ctx, s.names.nodes(), node)
	pipe.Del(s.ctx, s.names.lock(node))
	if _, err = pipe.Exec(s.ctx); err != nil {
		return fmt.Errorf("redis: deleting the keys of a dead node: %w", err)
	}
	if count != "" {
		s.bus.log.Info("the members of a dead node have left", zap.String("node", node), zap.Int("channels", channels), zap.Duration("in", time.Since(began)))
	}
	return nil
}

// nextRooms takes off the list of a dead node the channels that it has been removed from, and returns others.
func (s *session) nextRooms(node string, done []string) ([]string, error) {
	key := s.names.rooms(node)
	pipe := s.client.Pipeline()
	if len(done) > 0 {
		pipe.SRem(s.ctx, key, anySlice(done)...)
		pipe.Expire(s.ctx, s.names.lock(node), evictLockTime*time.Second)
	}
	next := pipe.SRandMemberN(s.ctx, key, evictBatch)
	_, err := pipe.Exec(s.ctx)
	return next.Val(), err
}

func anySlice(list []string) []any {
	all := make([]any, len(list))
	for i, v := range list {
		all[i] = v
	}
	return all
}

// removeMembers takes a dead node's members off channels. It changes the slice.
func (s *session) removeMembers(node string, rooms []string) error {
	run := removeScript.EvalSha
	for len(rooms) > 0 {
		pipe := s.client.Pipeline()
		sent := rooms[:0]
		var replies []*goredis.Cmd
		for _, r := range rooms {
			if app, channel, ok := splitRoom(r); ok {
				sent = append(sent, r)
				keys := []string{s.names.roster(app, channel), s.names.members(app, channel, node), s.names.fence(app, channel, node)}
				replies = append(replies, run(s.ctx, pipe, keys, fenceTime, s.names.events(app, channel), s.client.publishCommand(), appendHeader(nil, kindChanges)))
			}
		}
		if _, err := pipe.Exec(s.ctx); err != nil && !isNoScript(err) {
			return fmt.Errorf("redis: removing the members of a dead node: %w", err)
		}
		rooms = sent[:0]
		for i, reply := range replies {
			switch remaining, err := reply.Int(); {
			case isNoScript(err):
				run = removeScript.Eval
				rooms = append(rooms, sent[i])
			case err != nil:
				return fmt.Errorf("redis: removing the members of a dead node: %w", err)
			case remaining > 0:
				rooms = append(rooms, sent[i])
			}
		}
	}
	return nil
}
