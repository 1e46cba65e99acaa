package redis

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"reverbd/broadcast"
)

// Outbox is a broadcast.Outbox in Redis. What the nodes have is counted there: for each channel and member the subscribers of every node and
// their sum. The script that changes a sum between nothing and something adds the transition to the streams in the same step, so that it is there
// once, whatever becomes of the node that ran it. All keys have one hash tag, since a script can touch no others in Redis Cluster.
type Outbox struct {
	bus    *Bus
	reader broadcast.OutboxReader

	mu       sync.Mutex
	session  *session // nil while Redis is away: counts are not queued then, since the next session begins with all of them
	queue    []change
	bytes    int
	telling  bool // some have been taken from the queue and are not known to be in Redis
	filled   chan struct{}
	lost     logLimiter
	dropped  int64
	settled  []settlement
	settling bool // some have been taken and are not known to be removed
	finished chan struct{}
}

// change is one step to be made in Redis.
type change struct {
	item  string // of the counts; "" for an activity that is none
	count int
	entry entry
}

// entry is an activity in a stream.
type entry struct {
	Kind    broadcast.ActivityKind `json:"k"`
	App     string                 `json:"p"`
	Channel string                 `json:"c"`
	User    string                 `json:"u,omitempty"`
	Count   int                    `json:"n,omitempty"`
	More    *details               `json:"m,omitempty"`
}

// details are what only some activities have.
type details struct {
	Socket     uint64        `json:"s,omitempty"`
	Name, Data []byte        `json:",omitempty"`
	Code       int           `json:",omitempty"`
	Reason     string        `json:",omitempty"`
	Age        time.Duration `json:",omitempty"`
}

const (
	outboxBytes   = 16 << 20 // of changes may wait
	outboxEntries = 65536    // in a stream; 280 bytes each, if they are short
	outboxBatch   = 500      // changes in one run of the script
	changeSize    = 256      // bytes that a change takes besides its texts
)

// errBehind ends a session that cannot keep up: the next one begins with how things are then.
var errBehind = errors.New("redis: transitions come faster than Redis takes them")

// Outbox returns the Bus's outbox. Serve must be called before Run.
func (b *Bus) Outbox() *Outbox { return b.outbox }

func newOutbox(b *Bus) *Outbox {
	return &Outbox{bus: b, filled: make(chan struct{}, 1), finished: make(chan struct{}, 1), lost: logLimiter{every: 10 * time.Second}}
}

// Serve implements broadcast.Outbox.
func (o *Outbox) Serve(r broadcast.OutboxReader) { o.reader = r }

// itemOf names a channel, or a member of one, among the counts.
func itemOf(app, channel string, user *string) string {
	list := []string{app, channel}
	if user != nil {
		list = append(list, *user)
	}
	text, _ := json.Marshal(list) // texts can always be encoded
	return string(text)
}

// Observe implements broadcast.Observer.
func (o *Outbox) Observe(a broadcast.Activity) {
	c := change{entry: entry{Kind: a.Kind, App: a.App, Channel: a.Channel, User: a.User}, count: 1}
	switch a.Kind {
	case broadcast.ChannelOccupied:
		c.item = itemOf(a.App, a.Channel, nil)
	case broadcast.ChannelVacated:
		c.item, c.count = itemOf(a.App, a.Channel, nil), 0
	case broadcast.SubscriptionCount:
		c.item, c.count = itemOf(a.App, a.Channel, nil), a.Count
		if a.Count == 0 {
			return // ChannelVacated follows, or a subscription that waits has the channel occupied
		}
	case broadcast.MemberAdded:
		c.item = itemOf(a.App, a.Channel, &a.User)
	case broadcast.MemberRemoved:
		c.item, c.count = itemOf(a.App, a.Channel, &a.User), 0
	default:
		c.count = 0
		c.entry.More = &details{
			Socket: uint64(a.Socket), Name: slices.Clone(a.Name), Data: slices.Clone(a.Data), Code: a.Code, Reason: a.Reason, Age: a.Age,
		}
	}
	o.add(c)
}

func (o *Outbox) add(c change) {
	size := changeSize + len(c.item) + len(c.entry.Channel) + len(c.entry.User)
	if m := c.entry.More; m != nil {
		size += len(m.Name) + len(m.Data) + len(m.Reason)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case c.item != "" && o.session == nil:
		return
	case o.bytes+size <= outboxBytes:
	case c.item != "":
		o.session.fail(errBehind)
		return
	default:
		o.drop(1)
		return
	}
	o.queue = append(o.queue, c)
	o.bytes += size
	select {
	case o.filled <- struct{}{}:
	default:
	}
}

// drop tells what is lost. The lock is held.
func (o *Outbox) drop(n int64) {
	o.dropped += n
	if o.lost.allow() {
		o.bus.log.Warn("activities are lost that should have been told", zap.Int64("so far", o.dropped))
	}
}

// Sync implements broadcast.Outbox.
func (o *Outbox) Sync(d *broadcast.Directory) { d.Present(o.Observe) }

// serveOutbox runs the outbox for a session, if somebody reads it.
func (s *session) serveOutbox() {
	if s.bus.outbox.reader == nil {
		close(s.told)
		return
	}
	s.bus.outbox.begin(s)
	s.spawn(s.tellActivities)
	s.spawn(s.readStreams)
	s.spawn(s.settleEntries)
}

// everythingTold returns a channel that is closed when Redis has everything of this node that it had of the one before.
func (s *session) everythingTold() <-chan struct{} {
	all := make(chan struct{})
	s.work.Go(func() {
		for _, c := range []chan struct{}{s.caughtUp, s.told} {
			select {
			case <-c:
			case <-s.ctx.Done():
				return
			}
		}
		close(all)
	})
	return all
}

// begin has a session tell what is there.
func (o *Outbox) begin(s *session) {
	o.mu.Lock()
	o.session = s
	o.mu.Unlock()
	for _, d := range s.hub.Directories() {
		if d.Reports(broadcast.ChannelOccupied) || d.Reports(broadcast.MemberAdded) || d.Reports(broadcast.SubscriptionCount) {
			o.Sync(d)
		}
	}
}

// end says that the session is over: what it has not told the next one tells.
func (o *Outbox) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.session = nil
	kept := o.queue[:0]
	o.bytes = 0
	for _, c := range o.queue {
		if c.item == "" {
			kept = append(kept, c)
			o.bytes += changeSize + len(c.entry.More.Name) + len(c.entry.More.Data)
		}
	}
	o.queue = kept
}

// idle reports that everything is in Redis.
func (o *Outbox) idle() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.queue) == 0 && !o.telling && len(o.settled) == 0 && !o.settling
}

// take removes the first changes from the queue.
func (o *Outbox) take() []change {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := min(len(o.queue), outboxBatch)
	list := o.queue[:n:n]
	if o.queue = o.queue[n:]; len(o.queue) == 0 {
		o.queue, o.bytes = nil, 0
	} else {
		o.bytes -= o.bytes * n / (n + len(o.queue)) // about
	}
	o.telling = n > 0
	return list
}

// tellActivities puts what is observed into Redis.
func (s *session) tellActivities() error {
	o := s.bus.outbox
	told := false
	for {
		list := o.take()
		if len(list) > 0 {
			err := s.change(s.node, list, false)
			for ; err != nil && !unavailable(err); err = s.change(s.node, list, false) { // it refuses to take more
				if o.lost.allow() {
					s.bus.log.Warn("Redis refuses to be told what happens", zap.Error(err))
				}
				sleep(s.ctx, time.Second)
			}
			if err != nil {
				return err
			}
			continue
		}
		if !told {
			told = true
			close(s.told)
		}
		select {
		case <-o.filled:
		case <-s.ctx.Done():
			return nil
		}
	}
}

// change makes changes to what a node has. A node that is dead is forced to.
func (s *session) change(node string, list []change, dead bool) error {
	keys := []string{s.names.present(), s.names.presentOn(node), s.names.outboxFence(node)}
	places := make(map[string]int)
	place := func(streams []string) []int {
		at := make([]int, len(streams))
		for n, name := range streams {
			if places[name] == 0 {
				keys = append(keys, s.names.stream(name))
				places[name] = len(keys)
			}
			at[n] = places[name]
		}
		return at
	}
	check := "1"
	if dead {
		check = "0"
	}
	args := []any{check, outboxEntries, fenceTime}
	for _, c := range list {
		e := c.entry
		streams := place(s.bus.outbox.reader.Routes(e.App, e.Kind, e.Channel))
		var counts []int
		if c.item != "" && e.User == "" {
			counts = place(s.bus.outbox.reader.Routes(e.App, broadcast.SubscriptionCount, e.Channel))
		}
		if e.Kind == broadcast.SubscriptionCount {
			streams = place(s.bus.outbox.reader.Routes(e.App, broadcast.ChannelOccupied, e.Channel))
		}
		text, err := json.Marshal(struct {
			Item    string `json:"item"`
			Count   int    `json:"count"`
			Member  bool   `json:"member"`
			Streams []int  `json:"streams"`
			Counts  []int  `json:"counts"`
			Entry   entry  `json:"entry"`
			Text    string `json:"text"`
		}{c.item, c.count, e.Kind == broadcast.MemberAdded || e.Kind == broadcast.MemberRemoved, streams, counts, e, textOf(e)})
		if err != nil {
			return fmt.Errorf("redis: telling what happens: %w", err)
		}
		args = append(args, text)
	}
	lost, err := outboxScript.Run(s.ctx, s.client, keys, args...).Int64()
	if err != nil {
		return fmt.Errorf("redis: telling what happens: %w", err)
	}
	if lost > 0 {
		s.bus.outbox.mu.Lock()
		s.bus.outbox.drop(lost)
		s.bus.outbox.mu.Unlock()
	}
	return nil
}

// textOf is the entry as a stream has it, if it is no count.
func textOf(e entry) string {
	if e.More == nil {
		return ""
	}
	text, _ := json.Marshal(e) // it can always be encoded
	return string(text)
}

// removePresent takes away what a dead node had.
func (s *session) removePresent(node string) error {
	if s.bus.outbox.reader == nil || len(s.bus.outbox.reader.Streams()) == 0 {
		return nil
	}
	if err := s.change(node, nil, true); err != nil { // from here on it cannot come back to what it had
		return err
	}
	for {
		page, _, err := s.client.HScan(s.ctx, s.names.presentOn(node), 0, "", outboxBatch).Result()
		if err != nil {
			return fmt.Errorf("redis: taking away what a dead node had: %w", err)
		}
		if len(page) == 0 {
			return nil
		}
		var list []change
		for n := 0; n+1 < len(page); n += 2 {
			list = append(list, departure(page[n]))
		}
		slices.SortStableFunc(list, func(a, b change) int { return int(b.entry.Kind) - int(a.entry.Kind) }) // members before their channels
		for part := range slices.Chunk(list, outboxBatch) {
			if err := s.change(node, part, true); err != nil {
				return err
			}
		}
	}
}

// departure is the change that an item of the counts is gone.
func departure(item string) change {
	c := change{item: item}
	var list []string
	if json.Unmarshal([]byte(item), &list) != nil || len(list) < 2 {
		return c // it goes, and nobody is told
	}
	c.entry = entry{Kind: broadcast.ChannelVacated, App: list[0], Channel: list[1]}
	if len(list) > 2 {
		c.entry.Kind, c.entry.User = broadcast.MemberRemoved, list[2]
	}
	return c
}

// outboxScript changes what a node has, and puts activities into streams. It returns how many there was no room for.
//
//	KEYS  sums, what the node has, fence, streams
//	ARGV  "1" to be refused if the node is dead, most entries in a stream, seconds of the fence of a node that is dead, changes as JSON
var outboxScript = goredis.NewScript(`
if ARGV[1] == '1' and redis.call('EXISTS', KEYS[3]) == 1 then return redis.error_reply('FENCED this node was declared dead') end
if ARGV[1] == '0' then
  redis.call('HDEL', KEYS[2], '') -- needs no memory, so that a full Redis allows what follows
  redis.call('SET', KEYS[3], '1', 'EX', ARGV[3])
end
local most, lost = tonumber(ARGV[2]), 0
local function add(streams, text)
  for _, n in ipairs(streams) do
    if redis.call('XLEN', KEYS[n]) >= most then
      lost = lost + 1
    else
      redis.call('XADD', KEYS[n], '*', 'a', text)
      redis.call('EXPIRE', KEYS[n], 604800)
    end
  end
end
local function occurred(c, kind, count)
  local e = c.entry
  return cjson.encode({k = kind, p = e.p, c = e.c, u = e.u, n = count})
end
for i = 4, #ARGV do
  local c = cjson.decode(ARGV[i])
  if c.counts == cjson.null then c.counts = {} end
  if c.streams == cjson.null then c.streams = {} end
  if c.item == '' then
    add(c.streams, c.text)
  else
    local old = tonumber(redis.call('HGET', KEYS[2], c.item) or '0')
    if c.count ~= old then
      if c.count == 0 then
        redis.call('HDEL', KEYS[2], c.item)
      else
        redis.call('HSET', KEYS[2], c.item, c.count)
      end
      local sum = redis.call('HINCRBY', KEYS[1], c.item, c.count - old)
      local was = sum - c.count + old
      if sum <= 0 then redis.call('HDEL', KEYS[1], c.item) end
      local come, go = 0, 1
      if c.member then come, go = 2, 3 end
      if was <= 0 and sum > 0 then add(c.streams, occurred(c, come)) end
      add(c.counts, occurred(c, 6, math.max(sum, 0)))
      if was > 0 and sum <= 0 then add(c.streams, occurred(c, go)) end
    end
  end
end
return lost
`)
