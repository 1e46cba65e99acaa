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

// errand is one channel that Redis has to be told of, or asked about.
type errand struct {
	*interest
	work   broadcast.Update
	roster *goredis.Cmd
	last   *goredis.SliceCmd
}

// errand returns what is to be done for a channel that is heard. ok is false if it is nothing.
func (k *keeper) errand(i *interest) (e errand, ok bool) {
	e = errand{interest: i, work: i.directory.TakeUpdate(i.channel)}
	if !e.work.Wanted && i.idle.IsZero() {
		i.idle = time.Now()
	}
	switch whole := e.work.Wanted && !e.work.Synced; {
	case len(e.work.Joins) > 0 || len(e.work.Leaves) > 0:
		return e, true
	case whole && (isPresence(i.channel) || isCache(i.channel)):
		return e, true
	case whole:
		i.directory.Synced(i.channel, broadcast.Snapshot{}, broadcast.Update{})
	}
	return e, false
}

// carryOut runs errands in batches and brings back what Redis says.
func (k *keeper) carryOut(errands []errand) error {
	for batch := range slices.Chunk(errands, 1000) {
		if err := k.list(batch); err != nil {
			return err
		}
		pipe := k.session.client.Pipeline()
		for n := range batch {
			k.queue(pipe, &batch[n])
		}
		if _, err := pipe.Exec(k.session.ctx); lost(err) && !noScript(err) {
			return fmt.Errorf("redis: telling of members: %w", err)
		}
		for n := range batch {
			if err := k.bring(&batch[n]); err != nil {
				return err
			}
		}
	}
	return nil
}

// list notes the rooms that the node will have members in, before it has.
func (k *keeper) list(batch []errand) error {
	var rooms []any
	for _, e := range batch {
		if len(e.work.Joins) > 0 && !e.listed {
			e.listed = true
			rooms = append(rooms, room(e.directory.App, e.channel))
		}
	}
	if len(rooms) == 0 {
		return nil
	}
	s := k.session
	keys := []string{s.names.rooms(s.node), s.names.dead(s.node)}
	if err := roomsScript.Run(s.ctx, s.client, keys, rooms...).Err(); err != nil {
		return fmt.Errorf("redis: telling of rooms: %w", err)
	}
	return nil
}

// queue puts the commands of an errand into a batch.
func (k *keeper) queue(pipe goredis.Pipeliner, e *errand) {
	s := k.session
	app, channel := e.directory.App, e.channel
	if isPresence(channel) {
		whole := "0"
		if !e.work.Synced {
			whole = "1"
		}
		args := []any{e.name, s.client.publish(), appendHead(nil, kindChanges), whole, len(e.work.Joins)}
		for _, id := range e.work.Joins {
			args = append(args, id.Key, id.Data)
		}
		for _, key := range e.work.Leaves {
			args = append(args, key)
		}
		keys := []string{s.names.roster(app, channel), s.names.members(app, channel, s.node), s.names.fence(app, channel, s.node)}
		e.roster = rosterScript.EvalSha(s.ctx, pipe, keys, args...)
	}
	if isCache(channel) && !e.work.Synced {
		e.last = pipe.HMGet(s.ctx, s.names.last(app, channel), "n", "e")
	}
}

// bring tells the hub what came of an errand.
func (k *keeper) bring(e *errand) error {
	var st broadcast.Snapshot
	if e.roster != nil {
		version, left, members, err := readRoster(e.roster)
		if err != nil {
			return k.refused(e, err)
		}
		st.Version, st.Members = version, members
		if left == 0 && len(e.work.Leaves) > 0 {
			k.unlist(e.interest)
		}
	}
	if e.work.Synced || !e.work.Wanted {
		e.directory.Applied(e.channel, e.work, st.Version)
		return nil
	}
	if e.last != nil {
		k.readLast(e, &st)
	}
	e.directory.Synced(e.channel, st, e.work)
	return nil
}

// refused tries again later what Redis would not take.
func (k *keeper) refused(e *errand, err error) error {
	s := k.session
	switch {
	case noScript(err):
		if err := s.client.loadScripts(s.ctx); err != nil {
			return fmt.Errorf("redis: loading scripts: %w", err)
		}
	case lost(err):
		return fmt.Errorf("redis: telling of members: %w", err)
	case s.bus.failing.ready():
		s.bus.log.Warn("Redis refuses to be told of members: they are known to this node alone until it does",
			zap.String("channel", e.channel), zap.Error(err))
	}
	e.directory.Rejected(e.channel, e.work)
	if noScript(err) {
		s.bus.notes.add(e.directory, e.channel)
		return nil
	}
	time.AfterFunc(time.Second, func() { s.bus.notes.add(e.directory, e.channel) })
	return nil
}

// unlist forgets a room in which the node has nobody left.
func (k *keeper) unlist(i *interest) {
	s := k.session
	i.listed = false
	s.client.SRem(s.ctx, s.names.rooms(s.node), room(i.directory.App, i.channel)) // one too many does no harm
}

// readRoster reads what rosterScript returns: the version, the users of this node that are left, the members in their order.
func readRoster(c *goredis.Cmd) (version uint64, left int64, members []broadcast.Member, err error) {
	reply, err := c.Slice()
	if err != nil {
		return 0, 0, nil, err
	}
	if len(reply) != 3 {
		return 0, 0, nil, errMessage
	}
	text, _ := reply[0].(string)
	left, _ = reply[1].(int64)
	all, _ := reply[2].([]any)
	if version, err = strconv.ParseUint(text, 10, 63); err != nil {
		return 0, 0, nil, errMessage
	}
	return version, left, sortMembers(all), nil
}

// sortMembers reads the fields and values of a roster. What is none of ours is left out.
func sortMembers(all []any) []broadcast.Member {
	type placed struct {
		broadcast.Member
		order uint64
	}
	var list []placed
	for n := 0; n+1 < len(all); n += 2 {
		user, _ := all[n].(string)
		value, _ := all[n+1].(string)
		if user == "" {
			continue // the version
		}
		if m, order, err := parseMember(user, value); err == nil {
			list = append(list, placed{m, order})
		}
	}
	slices.SortFunc(list, func(a, b placed) int {
		if a.order < b.order {
			return -1
		}
		return 1
	})
	members := make([]broadcast.Member, len(list))
	for n, p := range list {
		members[n] = p.Member
	}
	return members
}

// readLast reads the last event of a cache channel.
func (k *keeper) readLast(e *errand, st *broadcast.Snapshot) {
	reply, err := e.last.Result()
	if err != nil || len(reply) != 2 {
		return
	}
	order, _ := reply[0].(string)
	m, _ := reply[1].(string)
	n, err := strconv.ParseUint(order, 10, 63)
	if err != nil || kindOf(m) != kindCached {
		return
	}
	s, err := parseSealed(m, false)
	if err != nil {
		k.session.bus.stranger(e.last.Args()[1])
		return
	}
	st.Last, st.Offset, st.Own, st.Except = frameOf(s.payload), n, s.origin == k.session.bus.origin, s.except
	k.mu.Lock()
	e.interest.last = heardLast{s.origin, s.number}
	k.mu.Unlock()
}
