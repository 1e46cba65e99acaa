package redis

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"reverbd/broadcast"
)

// channelSync is the exchange with Redis for one channel: the update to apply, and the replies with its roster and its
// last event.
type channelSync struct {
	*interest
	update broadcast.Update
	roster *goredis.Cmd
	cached *goredis.SliceCmd
}

// prepareSync takes the update of an active channel. ok is false if Redis is not needed for it.
func (subs *subscriptions) prepareSync(i *interest) (cs channelSync, ok bool) {
	cs = channelSync{interest: i, update: i.directory.TakeUpdate(i.channel)}
	if !cs.update.Wanted && i.unwantedSince.IsZero() {
		i.unwantedSince = time.Now()
	}
	switch needsSnapshot := cs.update.Wanted && !cs.update.Synced; {
	case len(cs.update.Joins) > 0 || len(cs.update.Leaves) > 0:
		return cs, true
	case needsSnapshot && (isPresence(i.channel) || isCache(i.channel)):
		return cs, true
	case needsSnapshot:
		i.directory.Synced(i.channel, broadcast.Snapshot{}, broadcast.Update{})
	}
	return cs, false
}

// runSyncs sends channelSyncs in batches and passes the replies to the hub.
func (subs *subscriptions) runSyncs(syncs []channelSync) error {
	for batch := range slices.Chunk(syncs, 1000) {
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
		for i := range batch {
			if err := subs.completeSync(&batch[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// registerRooms adds the presence channels where this node is about to have users to the node's set, before it has users
// there: whichever node evicts this one must find all of them.
func (subs *subscriptions) registerRooms(batch []channelSync) error {
	var rooms []any
	for _, cs := range batch {
		if len(cs.update.Joins) > 0 && !cs.registered {
			cs.registered = true
			rooms = append(rooms, room(cs.directory.App, cs.channel))
		}
	}
	if len(rooms) == 0 {
		return nil
	}
	s := subs.session
	keys := []string{s.names.rooms(s.node), s.names.dead(s.node)}
	if err := registerScript.Run(s.ctx, s.client, keys, rooms...).Err(); err != nil {
		return fmt.Errorf("redis: registering presence channels: %w", err)
	}
	return nil
}

// queueCommands adds the commands of a channelSync to a pipeline.
func (subs *subscriptions) queueCommands(pipe goredis.Pipeliner, cs *channelSync) {
	s := subs.session
	app, channel := cs.directory.App, cs.channel
	if isPresence(channel) {
		full := "0"
		if !cs.update.Synced {
			full = "1"
		}
		args := []any{cs.name, s.client.publishCommand(), appendHeader(nil, kindChanges), full, len(cs.update.Joins)}
		for _, id := range cs.update.Joins {
			args = append(args, id.Key, id.Data)
		}
		for _, key := range cs.update.Leaves {
			args = append(args, key)
		}
		keys := []string{s.names.roster(app, channel), s.names.members(app, channel, s.node), s.names.fence(app, channel, s.node)}
		cs.roster = rosterScript.EvalSha(s.ctx, pipe, keys, args...)
	}
	if isCache(channel) && !cs.update.Synced {
		cs.cached = pipe.HMGet(s.ctx, s.names.cached(app, channel), "n", "e")
	}
}

// completeSync passes the replies for a channel to the hub.
func (subs *subscriptions) completeSync(cs *channelSync) error {
	var snapshot broadcast.Snapshot
	if cs.roster != nil {
		version, remaining, members, err := readRoster(cs.roster)
		if err != nil {
			return subs.retrySync(cs, err)
		}
		snapshot.Version, snapshot.Members = version, members
		if remaining == 0 && len(cs.update.Leaves) > 0 {
			subs.unregisterRoom(cs.interest)
		}
	}
	if cs.update.Synced || !cs.update.Wanted {
		cs.directory.Applied(cs.channel, cs.update, snapshot.Version)
		return nil
	}
	if cs.cached != nil {
		subs.readCached(cs, &snapshot)
	}
	cs.directory.Synced(cs.channel, snapshot, cs.update)
	return nil
}

// retrySync queues a channel again whose update Redis has refused.
func (subs *subscriptions) retrySync(cs *channelSync, err error) error {
	s := subs.session
	switch {
	case isNoScript(err):
		if err := s.client.loadScripts(s.ctx); err != nil {
			return fmt.Errorf("redis: loading scripts: %w", err)
		}
	case unavailable(err):
		return fmt.Errorf("redis: updating rosters: %w", err)
	case s.bus.failureLog.allow():
		s.bus.log.Warn("Redis refuses an update of a roster: its members are known to this node alone until it accepts it",
			zap.String("channel", cs.channel), zap.Error(err))
	}
	cs.directory.Rejected(cs.channel, cs.update)
	if isNoScript(err) {
		s.bus.dirty.add(cs.channelRef)
		return nil
	}
	time.AfterFunc(time.Second, func() { s.bus.dirty.add(cs.channelRef) })
	return nil
}

// unregisterRoom removes a presence channel where the node has no users from the node's set.
func (subs *subscriptions) unregisterRoom(i *interest) {
	s := subs.session
	i.registered = false
	s.client.SRem(s.ctx, s.names.rooms(s.node), room(i.directory.App, i.channel)) // a channel too many in the set does no harm
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
