package redis

import (
	"context"
	"fmt"
	"strconv"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"go.uber.org/zap"
)

// How much is sent to Redis at once.
const batchBytes = 1 << 20

// gateTime is how long, after Redis was away, what has waited waits for the other nodes to be back.
const gateTime = 5 * time.Second

// publish sends what waits, in order. What was sent and not confirmed when the session ended is sent again by the next one: whoever has it already
// knows it by its number.
func (s *session) publish() error {
	s.awaitPeers()
	q := s.bus.queue
	for {
		batch := s.bus.unsent
		if len(batch) == 0 {
			batch = q.take(batchBytes)
		}
		if len(batch) == 0 {
			select {
			case <-q.filled:
				continue
			case <-s.ctx.Done():
				return nil
			}
		}
		s.bus.unsent = batch
		if err := s.send(batch); err != nil {
			return err
		}
		s.bus.unsent = nil
		for i := range batch {
			q.release(batch[i].size)
		}
	}
}

// send publishes a batch. It fails only if none, or not all of it, can be known to be published.
func (s *session) send(batch []item) error {
	for len(batch) > 0 {
		replies, err := s.exec(batch)
		if lost(err) && !noScript(err) {
			return fmt.Errorf("redis: publishing: %w", err)
		}
		var again []item
		for i, r := range replies {
			switch err := r.Err(); {
			case err == nil:
				s.confirm(&batch[i], r)
			case noScript(err):
				again = append(again, batch[i])
			case lost(err):
				return fmt.Errorf("redis: publishing: %w", err)
			default:
				again = append(again, s.plain(batch[i], err)...)
			}
		}
		if len(again) > 0 && again[0].event != nil {
			if err := s.client.loadScripts(s.ctx); err != nil {
				return fmt.Errorf("redis: loading scripts: %w", err)
			}
		}
		batch = again
	}
	return nil
}

func (s *session) exec(batch []item) ([]goredis.Cmder, error) {
	command := s.client.publish()
	pipe := s.client.Pipeline()
	for i := range batch {
		if it := &batch[i]; it.event != nil {
			keys := []string{s.names.last(it.event.App, it.event.Channel)}
			cacheScript.EvalSha(s.ctx, pipe, keys, it.channel, command, it.message, int(s.bus.cacheTTL/time.Second))
			continue
		}
		pipe.Do(s.ctx, command, batch[i].channel, batch[i].message)
	}
	return pipe.Exec(s.ctx)
}

// plain makes of an event that cannot be kept one that is published all the same. What Redis refuses even then is lost, and told.
func (s *session) plain(it item, err error) []item {
	if s.bus.failing.ready() {
		s.bus.log.Warn("Redis refuses an event", zap.String("channel", it.channel), zap.Error(err))
	}
	if it.event == nil {
		return nil
	}
	it.event = nil
	it.message[len(magic)] = byte(kindEvent)
	return []item{it}
}

// confirm tells the hub the place of an event of a cache channel.
func (s *session) confirm(it *item, reply goredis.Cmder) {
	if it.event == nil {
		return
	}
	c, ok := reply.(*goredis.Cmd)
	if !ok {
		return
	}
	text, _ := c.Text()
	if order, err := strconv.ParseUint(text, 10, 63); err == nil {
		if d := s.hub.Directory(it.event.App); d != nil {
			d.ConfirmCached(it.event.Channel, it.event.Frame, order)
		}
	}
}

// awaitPeers lets what has waited while Redis was away wait until those who were there before hear again, or nothing would be lost to nobody
// but them.
func (s *session) awaitPeers() {
	deadline := time.Now().Add(gateTime)
	absent := s.bus.absent
	for len(absent) > 0 && time.Now().Before(deadline) && s.ctx.Err() == nil {
		for _, l := range s.question(nil, 200*time.Millisecond, absent) {
			if l.Hears {
				delete(absent, l.Origin)
			}
		}
		pause(s.ctx, 20*time.Millisecond)
	}
	if s.ctx.Err() == nil {
		clear(absent) // whoever has not come back by now is gone
	}
}

// pause waits, unless ctx is done.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
