package redis

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"go.uber.org/zap"
)

// One batch is what is sent before Redis has answered. Receivers tell numbers apart as long as they come within windowSize of each
// other, and a batch is sent again in part, so that one must be smaller than that.
const (
	batchBytes = 1 << 20
	batchItems = windowSize / 2
)

// peerWaitTimeout is how long, after Redis was away, what has waited waits for the other nodes to be back.
const peerWaitTimeout = 5 * time.Second

// publish sends what waits, in order. What is not known to be published when the session ends is sent again by the next one, with
// the same number: receivers deliver a number once.
func (s *session) publish() error {
	s.awaitPeers()
	for {
		if len(s.bus.unconfirmed) == 0 {
			s.bus.unconfirmed = s.bus.seal(s.bus.queue.take(batchItems, batchBytes))
		}
		if len(s.bus.unconfirmed) == 0 {
			select {
			case <-s.bus.queue.changed:
				continue
			case <-s.ctx.Done():
				return nil
			}
		}
		if err := s.send(); err != nil {
			return err
		}
	}
}

// seal gives messages their numbers. Only the publishing goroutine calls it, so that numbers go up in the order of the queue.
func (b *Bus) seal(items []item) []item {
	for i := range items {
		it := &items[i]
		b.lastNumber++
		it.number = b.lastNumber
		it.message = appendEnvelope(make([]byte, 0, envelopeHeaderSize+len(it.payload)), it.kind,
			envelope{origin: b.origin, number: it.number, except: it.event.Except, payload: it.payload})
	}
	return items
}

// send publishes what is unconfirmed, once. What Redis has taken, and what it will never take, is off the list afterwards.
func (s *session) send() error {
	b := s.bus
	batch := b.unconfirmed
	replies, err := s.exec(batch)
	if err != nil {
		b.unconfirmed, err = s.sort(batch, replies)
	} else {
		b.unconfirmed = nil
		for i := range batch {
			s.confirmCached(&batch[i], replies[i])
		}
	}
	freed := int64(0)
	for i := range batch {
		freed += batch[i].size
	}
	for i := range b.unconfirmed {
		freed -= b.unconfirmed[i].size
	}
	b.queue.release(freed)
	if err != nil {
		return fmt.Errorf("redis: publishing: %w", err)
	}
	return nil
}

// exec sends a batch. The error is that of the first message which has one.
func (s *session) exec(batch []item) ([]goredis.Cmder, error) {
	command, ttl := s.client.publishCommand(), int(s.bus.cacheTTL/time.Second)
	pipe := s.client.Pipeline()
	for i := range batch {
		it := &batch[i]
		if it.kind != kindCached {
			pipe.Do(s.ctx, command, it.channel, it.message)
			continue
		}
		run := cacheScript.EvalSha
		if it.eval {
			run = cacheScript.Eval
		}
		run(s.ctx, pipe, []string{s.names.cached(it.event.App, it.event.Channel)}, it.channel, command, it.message, ttl, s.bus.originName(), it.number)
	}
	return pipe.Exec(s.ctx)
}

// sort returns what of a batch is to be sent again, in order, and the error that ends the session, if there is one. An event that was
// refused while a later one of its channel was taken is given up: to send it now would change the order of the channel.
func (s *session) sort(batch []item, replies []goredis.Cmder) (again []item, failure error) {
	overtaken := make(map[string]bool)
	for i := len(batch) - 1; i >= 0; i-- {
		it := batch[i]
		switch err := replies[i].Err(); {
		case err == nil:
			overtaken[it.channel] = true
			s.confirmCached(&it, replies[i])
			continue
		case overtaken[it.channel]:
			s.giveUp(&it, err)
			continue
		case isNoScript(err):
			it.eval = true
		case unavailable(err):
			failure = err
		case it.kind == kindCached: // it cannot be kept, and is published all the same
			it.kind = kindEvent
			it.message[len(magic)] = byte(kindEvent)
		default:
			s.giveUp(&it, err)
			continue
		}
		again = append(again, it)
	}
	slices.Reverse(again)
	return again, failure
}

// giveUp counts an event that no other node gets.
func (s *session) giveUp(it *item, err error) {
	total := s.bus.stats.refused.Add(1)
	if s.bus.failureLog.allow() {
		s.bus.log.Warn("Redis refuses an event: the other nodes do not get it",
			zap.String("channel", it.channel), zap.Error(err), zap.Int64("refused so far", total))
	}
}

// confirmCached tells the hub the offset of an event of a cache channel.
func (s *session) confirmCached(it *item, reply goredis.Cmder) {
	c, ok := reply.(*goredis.Cmd)
	if it.kind != kindCached || !ok {
		return
	}
	text, _ := c.Text()
	if offset, err := strconv.ParseUint(text, 10, 63); err == nil && offset > 0 {
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
