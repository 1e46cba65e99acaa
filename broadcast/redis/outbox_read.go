package redis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"reverbd/broadcast"
	"reverbd/protocol/pusher"
)

// How streams are read. An owner that does not renew its lease loses the stream to whoever asks for it next.
const (
	streamLease   = 8 * time.Second
	renewInterval = 2 * time.Second
	readBlock     = time.Second // that a read waits for entries
	readEntries   = 1000        // in one reply
)

// reading is the streams that this node owns, each with the id of the last entry that has been read. It belongs to one goroutine.
type reading struct {
	*session
	reader broadcast.OutboxReader
	last   map[string]string
	ahead  time.Duration // of this node's clock before that of Redis
	dead   time.Time     // when the leases end
}

// readStreams reads what the nodes have put into the streams that this one owns.
func (s *session) readStreams() error {
	r := &reading{session: s, reader: s.bus.outbox.reader, last: make(map[string]string)}
	defer r.disownAll()
	for s.ctx.Err() == nil {
		began := time.Now()
		if err := r.renew(); err != nil {
			return err
		}
		for time.Since(began) < renewInterval && s.ctx.Err() == nil {
			if err := r.read(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *reading) disownAll() {
	for stream := range r.last {
		r.disown(stream)
	}
}

func (r *reading) disown(stream string) {
	delete(r.last, stream)
	r.reader.Disown(stream)
}

// renew keeps the streams that are owned, and takes those that nobody owns.
func (r *reading) renew() error {
	began := time.Now()
	wanted := make(map[string]bool)
	for _, stream := range r.reader.Streams() {
		wanted[stream] = true
		reply, err := leaseScript.Run(r.ctx, r.client, []string{r.names.streamLease(stream)}, r.node, streamLease.Milliseconds()).Int64Slice()
		if err != nil {
			return fmt.Errorf("redis: renewing a lease: %w", err)
		}
		if len(reply) != 3 {
			return errMessage
		}
		r.ahead = time.Since(time.Unix(reply[1], reply[2]*1000))
		_, owned := r.last[stream]
		switch mine := reply[0] == 1; {
		case mine && !owned:
			if err := r.own(stream); err != nil {
				return err
			}
		case !mine && owned:
			r.disown(stream)
		}
	}
	for stream := range r.last {
		if !wanted[stream] {
			r.disown(stream)
		}
	}
	r.dead = began.Add(streamLease)
	return nil
}

// own reads all that is in a stream.
func (r *reading) own(stream string) error {
	saved, err := r.client.HGetAll(r.ctx, r.names.streamBatches(stream)).Result()
	if err != nil {
		return fmt.Errorf("redis: reading batches: %w", err)
	}
	var batches []broadcast.OutboxBatch
	for _, text := range saved {
		var b broadcast.OutboxBatch
		if json.Unmarshal([]byte(text), &b) == nil {
			batches = append(batches, b)
		}
	}
	var entries []broadcast.OutboxEntry
	last := "0-0"
	for {
		page, err := r.client.XRangeN(r.ctx, r.names.stream(stream), "("+last, "+", readEntries).Result()
		if err != nil {
			return fmt.Errorf("redis: reading a stream: %w", err)
		}
		for _, m := range page {
			last = m.ID
			entries = append(entries, r.entry(m))
		}
		if len(page) < readEntries {
			break
		}
	}
	r.last[stream] = last
	r.reader.Own(stream, batches, entries)
	return nil
}

// read waits for new entries of all streams that have a reader for them.
func (r *reading) read() error {
	var keys, ids, streams []string
	for stream, last := range r.last {
		if !r.reader.Full(stream) {
			keys, ids, streams = append(keys, r.names.stream(stream)), append(ids, last), append(streams, stream)
		}
	}
	if len(keys) == 0 {
		sleep(r.ctx, readBlock/4)
		return nil
	}
	replies, err := r.client.XRead(r.ctx, &goredis.XReadArgs{Streams: append(keys, ids...), Count: readEntries, Block: readBlock}).Result()
	switch {
	case errors.Is(err, goredis.Nil) || errors.Is(err, context.Canceled):
		return nil
	case err != nil:
		return fmt.Errorf("redis: reading streams: %w", err)
	case time.Now().After(r.dead):
		return nil // another node may have them
	}
	for _, reply := range replies {
		for n, key := range keys {
			if key != reply.Stream || len(reply.Messages) == 0 {
				continue
			}
			entries := make([]broadcast.OutboxEntry, len(reply.Messages))
			for m := range reply.Messages {
				entries[m] = r.entry(reply.Messages[m])
			}
			r.last[streams[n]] = entries[len(entries)-1].ID
			r.reader.Deliver(streams[n], entries)
		}
	}
	return nil
}

// entry reads one entry. What is none of ours has the kind of none, which nobody is told of.
func (r *reading) entry(m goredis.XMessage) broadcast.OutboxEntry {
	out := broadcast.OutboxEntry{ID: m.ID, At: time.Now(), Activity: broadcast.Activity{Kind: 255}}
	if ms, _, ok := strings.Cut(m.ID, "-"); ok {
		if n, err := strconv.ParseInt(ms, 10, 64); err == nil {
			out.At = time.UnixMilli(n).Add(r.ahead)
		}
	}
	text, _ := m.Values["a"].(string)
	var e entry
	if json.Unmarshal([]byte(text), &e) != nil {
		return out
	}
	out.Activity = broadcast.Activity{Kind: e.Kind, App: e.App, Channel: e.Channel, User: e.User, Count: e.Count}
	if d := e.More; d != nil {
		out.Socket, out.Name, out.Data, out.Code, out.Reason, out.Age = pusher.SocketID(d.Socket), d.Name, d.Data, d.Code, d.Reason, d.Age
	}
	return out
}

// errDisowned says that another node sends what is in a stream.
var errDisowned = errors.New("redis: the stream has another owner")

// Seal implements broadcast.Outbox.
func (o *Outbox) Seal(stream string, b broadcast.OutboxBatch) error {
	s := o.current()
	if s == nil {
		return errDisowned
	}
	text, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("redis: sealing a batch: %w", err)
	}
	keys := []string{s.names.streamLease(stream), s.names.streamBatches(stream)}
	sealed, err := sealScript.Run(s.ctx, s.client, keys, s.node, b.ID, text).Int()
	switch {
	case err != nil:
		return fmt.Errorf("redis: sealing a batch: %w", err)
	case sealed == 0:
		return errDisowned
	}
	return nil
}

func (o *Outbox) current() *session {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.session
}

// settlement is entries that are done with.
type settlement struct {
	stream, batch string
	entries       []string
}

// Settle implements broadcast.Outbox.
func (o *Outbox) Settle(stream, batch string, entries []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.settled = append(o.settled, settlement{stream, batch, entries})
	select {
	case o.finished <- struct{}{}:
	default:
	}
}

// settleEntries removes what is done with, as soon as it is: it would be sent again by another node if this one died. What cannot be removed
// stays for the next session.
func (s *session) settleEntries() error {
	o := s.bus.outbox
	for {
		if err := s.settle(o.takeSettled()); err != nil {
			return err
		}
		o.mu.Lock()
		o.settling = false
		o.mu.Unlock()
		select {
		case <-o.finished:
		case <-s.ctx.Done():
			return nil
		}
	}
}

func (o *Outbox) takeSettled() []settlement {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := o.settled
	o.settled, o.settling = nil, true
	return list
}

func (s *session) settle(list []settlement) error {
	if len(list) == 0 {
		return nil
	}
	o := s.bus.outbox
	pipe := s.client.TxPipeline()
	for _, done := range list {
		if done.batch != "" {
			pipe.HDel(s.ctx, s.names.streamBatches(done.stream), done.batch)
		}
		if len(done.entries) > 0 {
			pipe.XDel(s.ctx, s.names.stream(done.stream), done.entries...)
		}
	}
	if _, err := pipe.Exec(s.ctx); err != nil {
		o.mu.Lock()
		o.settled = append(list, o.settled...)
		o.mu.Unlock()
		return fmt.Errorf("redis: settling: %w", err)
	}
	return nil
}

// leaseScript takes or keeps a lease. It returns 1 if the node has it, and the time.
//
//	KEYS  lease
//	ARGV  node, milliseconds
var leaseScript = goredis.NewScript(`
local owner, mine, t = redis.call('GET', KEYS[1]), 0, redis.call('TIME')
if not owner or owner == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  mine = 1
end
return {mine, tonumber(t[1]), tonumber(t[2])}
`)

// sealScript notes a batch, if the node has the lease.
//
//	KEYS  lease, batches
//	ARGV  node, id of the batch, batch
var sealScript = goredis.NewScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
redis.call('EXPIRE', KEYS[2], 604800)
return 1
`)
