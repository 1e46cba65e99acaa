package redis

import (
	"context"
	"fmt"
	"strconv"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"go.uber.org/zap"
)

// batchBytes is about how many bytes are sent to Redis in one pipeline.
const batchBytes = 1 << 20

// peerWaitTimeout is how long queued messages wait, after Redis was lost, until the other nodes have subscribed again.
const peerWaitTimeout = 5 * time.Second

// publish publishes queued messages in order. Messages that were sent and not confirmed when the session ended are sent
// again by the next one: a receiver that has one already drops it by its number.
func (s *session) publish() error {
	s.awaitPeers()
	q := s.bus.queue
	for {
		batch := s.bus.unconfirmed
		if len(batch) == 0 {
			batch = q.take(batchBytes)
		}
		if len(batch) == 0 {
			select {
			case <-q.changed:
				continue
			case <-s.ctx.Done():
				return nil
			}
		}
		s.bus.unconfirmed = batch
		if err := s.send(batch); err != nil {
			return err
		}
		s.bus.unconfirmed = nil
		for i := range batch {
			q.release(batch[i].size)
		}
	}
}

// send publishes a batch. It fails only if Redis is unavailable; then all or some of the batch may have been published.
func (s *session) send(batch []item) error {
	for len(batch) > 0 {
		replies, err := s.exec(batch)
		if unavailable(err) && !isNoScript(err) {
			return fmt.Errorf("redis: publishing: %w", err)
		}
		var retry []item
		for i, r := range replies {
			switch err := r.Err(); {
			case err == nil:
				s.confirmCached(&batch[i], r)
			case isNoScript(err):
				retry = append(retry, batch[i])
			case unavailable(err):
				return fmt.Errorf("redis: publishing: %w", err)
			default:
				retry = append(retry, s.withoutCache(batch[i], err)...)
			}
		}
		if len(retry) > 0 && retry[0].event != nil {
			if err := s.client.loadScripts(s.ctx); err != nil {
				return fmt.Errorf("redis: loading scripts: %w", err)
			}
		}
		batch = retry
	}
	return nil
}

func (s *session) exec(batch []item) ([]goredis.Cmder, error) {
	command := s.client.publishCommand()
	pipe := s.client.Pipeline()
	for i := range batch {
		if it := &batch[i]; it.event != nil {
			keys := []string{s.names.cached(it.event.App, it.event.Channel)}
			cacheScript.EvalSha(s.ctx, pipe, keys, it.channel, command, it.message, int(s.bus.cacheTTL/time.Second))
			continue
		}
		pipe.Do(s.ctx, command, batch[i].channel, batch[i].message)
	}
	return pipe.Exec(s.ctx)
}

// withoutCache turns an event that Redis cannot keep into one that is only published. What Redis refuses even then is
// lost, and logged.
func (s *session) withoutCache(it item, err error) []item {
	if s.bus.failureLog.allow() {
		s.bus.log.Warn("Redis refuses an event", zap.String("channel", it.channel), zap.Error(err))
	}
	if it.event == nil {
		return nil
	}
	it.event = nil
	it.message[len(magic)] = byte(kindEvent)
	return []item{it}
}

// confirmCached tells the hub the offset of an event of a cache channel.
func (s *session) confirmCached(it *item, reply goredis.Cmder) {
	if it.event == nil {
		return
	}
	c, ok := reply.(*goredis.Cmd)
	if !ok {
		return
	}
	text, _ := c.Text()
	if offset, err := strconv.ParseUint(text, 10, 63); err == nil {
		if d := s.hub.Directory(it.event.App); d != nil {
			d.ConfirmCached(it.event.Channel, it.event.Frame, offset)
		}
	}
}

// awaitPeers delays the queued messages after Redis was lost until the processes that were there before have caught up:
// messages that were published earlier would be lost to them.
func (s *session) awaitPeers() {
	deadline := time.Now().Add(peerWaitTimeout)
	unsynced := s.bus.unsynced
	for len(unsynced) > 0 && time.Now().Before(deadline) && s.ctx.Err() == nil {
		for _, reply := range s.query(nil, 200*time.Millisecond, unsynced) {
			if reply.CaughtUp {
				delete(unsynced, reply.Origin)
			}
		}
		sleep(s.ctx, 20*time.Millisecond)
	}
	if s.ctx.Err() == nil {
		clear(unsynced) // a process that has not caught up by now is taken for gone
	}
}

// sleep waits for d, or until ctx is done.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
