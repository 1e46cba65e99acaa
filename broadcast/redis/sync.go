package redis

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"reverbd/broadcast"
)

// channelSync is a channel of which Redis has to be told something, or asked.
type channelSync struct {
	*interest
	update   broadcast.Update
	partial  bool // more of the same update follows
	rejected broadcast.Update
	refusal  error // why rejected was not taken
	roster   *goredis.Cmd
	cached   *goredis.SliceCmd
}

// How much is done in one pipeline: less than a tenth of a second of Redis's time, so that neither Redis nor a subscription that
// is wanted meanwhile waits for long.
const (
	maxSyncs   = 1000
	maxChanges = 2000
	maxPerCall = 500 // joins and leaves of one script
)

// prepareSync appends what is to be done for a channel that is heard.
func (subs *subscriptions) prepareSync(syncs []channelSync, i *interest) []channelSync {
	u := i.directory.TakeUpdate(i.channel)
	if !u.Wanted && i.unwantedSince.IsZero() {
		i.unwantedSince = time.Now()
	}
	for len(u.Joins) > maxPerCall || len(u.Leaves) > maxPerCall {
		part := broadcast.Update{Wanted: u.Wanted, Synced: u.Synced}
		joins, leaves := min(len(u.Joins), maxPerCall), min(len(u.Leaves), maxPerCall)
		part.Joins, u.Joins = u.Joins[:joins], u.Joins[joins:]
		part.Leaves, u.Leaves = u.Leaves[:leaves], u.Leaves[leaves:]
		syncs = append(syncs, channelSync{interest: i, update: part, partial: true})
	}
	needsSnapshot := u.Wanted && !u.Synced
	switch {
	case changes(u) > 0, needsSnapshot && (isPresence(i.channel) || isCache(i.channel)):
		syncs = append(syncs, channelSync{interest: i, update: u})
	case needsSnapshot:
		i.directory.Synced(i.channel, broadcast.Snapshot{}, broadcast.Update{})
	}
	return syncs
}

func changes(u broadcast.Update) int { return len(u.Joins) + len(u.Leaves) }

// runSyncs tells Redis, and passes what it answers to the hub.
func (subs *subscriptions) runSyncs(syncs []channelSync) error {
	for len(syncs) > 0 {
		n, size := 0, 0
		for ; n < min(len(syncs), maxSyncs) && size < maxChanges; n++ {
			size += changes(syncs[n].update)
		}
		if err := subs.runBatch(syncs[:n]); err != nil {
			return err
		}
		syncs = syncs[n:]
	}
	return nil
}

func (subs *subscriptions) runBatch(batch []channelSync) error {
	if err := subs.registerRooms(batch); err != nil {
		return err
	}
	pipe := subs.session.client.Pipeline()
	for i := range batch {
		subs.queueCommands(pipe, &batch[i])
	}
	if _, err := pipe.Exec(subs.session.ctx); unavailable(err) && !isNoScript(err) {
		return fmt.Errorf("redis: updating rosters: %w", err)
	}
	left := make(map[*interest]bool)
	for i := range batch {
		cs := &batch[i]
		empty, err := subs.completeSync(cs)
		if err != nil {
			return err
		}
		if empty {
			left[cs.interest] = true
		} else {
			delete(left, cs.interest) // a later part of the same update
		}
	}
	return subs.unregisterRooms(left)
}

// registerRooms notes the channels that the node will have members on, before it has. Where Redis does not take that, it is not told of
// the members.
func (subs *subscriptions) registerRooms(batch []channelSync) error {
	s := subs.session
	args := []any{s.commandsUntil.Load()}
	for i := range batch {
		if cs := &batch[i]; len(cs.update.Joins) > 0 && !cs.registered {
			cs.registered = true
			args = append(args, room(cs.directory.App, cs.channel))
		}
	}
	if len(args) == 1 {
		return nil
	}
	err := errNotRegistered
	if s.registered.Load() {
		err = registerScript.Run(s.ctx, s.client, []string{s.names.rooms(s.node), s.names.dead(s.node)}, args...).Err()
	}
	if err == nil {
		return nil
	}
	if unavailable(err) && !errors.Is(err, errNotRegistered) {
		return fmt.Errorf("redis: registering presence channels: %w", err)
	}
	for i := range batch {
		if cs := &batch[i]; len(cs.update.Joins) > 0 {
			cs.registered = false // also those that were registered before: the next try tells
			cs.rejected.Joins, cs.update.Joins, cs.refusal = cs.update.Joins, nil, err
		}
	}
	return nil
}

var errNotRegistered = errors.New("redis: this node has sent no heartbeat yet")

// unregisterRooms forgets channels on which the node has nobody left.
func (subs *subscriptions) unregisterRooms(left map[*interest]bool) error {
	if len(left) == 0 {
		return nil
	}
	rooms := make([]any, 0, len(left))
	for i := range left {
		i.registered = false
		rooms = append(rooms, room(i.directory.App, i.channel))
	}
	s := subs.session
	if err := s.client.SRem(s.ctx, s.names.rooms(s.node), rooms...).Err(); unavailable(err) {
		return fmt.Errorf("redis: registering presence channels: %w", err)
	}
	return nil // one too many does no harm
}

// queueCommands puts the commands for a channel into a batch.
func (subs *subscriptions) queueCommands(pipe goredis.Pipeliner, cs *channelSync) {
	s := subs.session
	app, channel := cs.directory.App, cs.channel
	if isPresence(channel) {
		full := "0"
		if !cs.update.Synced && !cs.partial {
			full = "1"
		}
		args := []any{s.commandsUntil.Load(), cs.name, s.client.publishCommand(), appendHeader(nil, kindChanges), full, len(cs.update.Joins)}
		for _, id := range cs.update.Joins {
			args = append(args, id.Key, id.Data)
		}
		for _, key := range cs.update.Leaves {
			args = append(args, key)
		}
		keys := []string{s.names.roster(app, channel), s.names.members(app, channel, s.node), s.names.fence(app, channel, s.node)}
		run := rosterScript.EvalSha
		if cs.eval {
			run = rosterScript.Eval
		}
		cs.roster = run(s.ctx, pipe, keys, args...)
	}
	if isCache(channel) && !cs.update.Synced && !cs.partial {
		cs.cached = pipe.HMGet(s.ctx, s.names.cached(app, channel), "n", "e")
	}
}

// completeSync tells the hub what came of it. empty says that the node has nobody left on the channel.
func (subs *subscriptions) completeSync(cs *channelSync) (empty bool, err error) {
	var snapshot broadcast.Snapshot
	if cs.roster != nil {
		r, err := readRoster(cs.roster)
		if err != nil {
			return false, subs.retrySync(cs, err)
		}
		cs.eval = false
		snapshot.Version, snapshot.Members = r.version, r.members
		empty = r.here == 0 && cs.registered
		cs.reject(r)
	}
	if changes(cs.rejected) > 0 {
		subs.retryLater(cs, cs.rejected, cs.refusal)
	}
	if cs.update.Synced || !cs.update.Wanted || cs.partial {
		cs.directory.Applied(cs.channel, cs.update, snapshot.Version)
		return empty, nil
	}
	if cs.cached != nil {
		subs.readCached(cs, &snapshot)
	}
	cs.directory.Synced(cs.channel, snapshot, cs.update)
	return empty, nil
}

// reject takes off the update what Redis has not taken.
func (cs *channelSync) reject(r rosterReply) {
	if r.noJoins != "" {
		cs.rejected.Joins, cs.update.Joins, cs.refusal = cs.update.Joins, nil, errors.New(r.noJoins)
	}
	if r.noLeaves != "" {
		cs.rejected.Leaves, cs.update.Leaves, cs.refusal = cs.update.Leaves, nil, errors.New(r.noLeaves)
	}
}

// retrySync has everything told again that Redis has not taken.
func (subs *subscriptions) retrySync(cs *channelSync, err error) error {
	s := subs.session
	switch {
	case isNoScript(err):
		cs.eval = true // with its text
		cs.directory.Rejected(cs.channel, cs.update)
		s.bus.dirty.add(cs.channelRef)
	case unavailable(err):
		return fmt.Errorf("redis: updating rosters: %w", err)
	default:
		subs.retryLater(cs, cs.update, err)
	}
	return nil
}

// retryLater has the changes told again in a second.
func (subs *subscriptions) retryLater(cs *channelSync, u broadcast.Update, err error) {
	s := subs.session
	if s.bus.failureLog.allow() {
		s.bus.log.Warn("Redis refuses an update of a roster: its members are known to this node alone until it accepts it",
			zap.String("channel", cs.channel), zap.Error(err))
	}
	cs.directory.Rejected(cs.channel, u)
	ref := cs.channelRef
	time.AfterFunc(time.Second, func() { s.bus.dirty.add(ref) })
}

// readCached reads the last event of a cache channel into the snapshot.
func (subs *subscriptions) readCached(cs *channelSync, snapshot *broadcast.Snapshot) {
	reply, err := cs.cached.Result()
	if err != nil || len(reply) != 2 {
		return
	}
	offset, _ := reply[0].(string)
	m, _ := reply[1].(string)
	n, err := strconv.ParseUint(offset, 10, 63)
	if err != nil || kindOf(m) != kindCached {
		return
	}
	e, err := parseEnvelope(m, false)
	if err != nil {
		subs.session.bus.countForeign(cs.cached.Args()[1])
		return
	}
	snapshot.Last, snapshot.Offset, snapshot.Own, snapshot.Except = frameOf(e.payload), n, e.origin == subs.session.bus.origin, e.except
	subs.mu.Lock()
	cs.snapshotEvent = eventID{e.origin, e.number}
	subs.mu.Unlock()
}
