package redis

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"reverbd/broadcast"
)

// keeper sees to it that this node hears what it wants, and that the cluster knows who is here. It works in rounds: what was noted since the last
// one becomes one batch for each server, so that a thousand subscriptions at once cost few round trips.
type keeper struct {
	session *session

	mu        sync.Mutex           // guards interests and calm against the ears
	interests map[string]*interest // by channel of Redis
	calm      bool                 // nothing is to be done

	due []*interest // for this round; each once
}

// interest is one channel that this node hears, or is about to.
type interest struct {
	note
	name       string // of Redis's channel
	subscribed bool   // the last command said so
	sent       int    // commands to subscribe and to unsubscribe
	answered   int    // of which so many were confirmed
	due        bool   // stands in keeper.due
	listed     bool   // in the node's rooms
	idle       time.Time
	last       heardLast
}

// heardLast is which event of a cache channel stood for all before it when this node began to hear the channel.
type heardLast struct{ origin, number uint64 }

// covers reports that an event was the last one or came before it. Who does not know whether an event was published publishes it
// again, with the same number and another order.
func (l heardLast) covers(s sealed) bool { return s.origin == l.origin && s.number <= l.number }

// hears reports that Redis sends what is published.
func (i *interest) hears() bool { return i.subscribed && i.answered == i.sent }

// How long a channel that nobody wants any longer is still heard: who comes back soon costs nothing then.
const (
	lingerTime = 10 * time.Second
	sweepTime  = time.Second
)

func newKeeper(s *session) *keeper {
	return &keeper{session: s, interests: make(map[string]*interest)}
}

// run is the keeper's goroutine.
func (k *keeper) run() error {
	sweep := time.NewTicker(sweepTime)
	defer sweep.Stop()
	caught := false
	for {
		done, err := k.round()
		if err != nil {
			return err
		}
		if !done {
			continue
		}
		if !caught && k.unanswered() == 0 {
			caught = true
			close(k.session.caught)
		}
		select {
		case <-k.session.ctx.Done():
			return nil
		case <-k.session.bus.notes.filled:
		case <-k.session.ears.confirmed:
		case <-sweep.C:
			if err := k.sweep(); err != nil {
				return err
			}
		}
	}
}

// round does what there is to do. done says that there was nothing.
func (k *keeper) round() (done bool, err error) {
	if err := k.collect(); err != nil {
		return false, err
	}
	if len(k.due) == 0 {
		return true, nil
	}
	due := k.due
	k.due = nil
	var ask []*interest
	var errands []errand
	for _, i := range due {
		i.due = false
		if !i.hears() {
			if !i.subscribed && i.directory.Wants(i.channel) {
				ask = append(ask, i)
			}
			continue // it comes back when Redis has confirmed
		}
		if e, ok := k.errand(i); ok {
			errands = append(errands, e)
		}
	}
	if err := k.subscribe(ask); err != nil {
		return false, err
	}
	return false, k.carryOut(errands)
}

// collect makes due what was noted and what was confirmed.
func (k *keeper) collect() error {
	notes := k.session.bus.notes.take()
	confirmed := k.session.ears.takeConfirmed()
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, n := range notes {
		name := k.session.names.events(n.directory.App, n.channel)
		i := k.interests[name]
		if i == nil {
			i = &interest{note: n, name: name}
			k.interests[name] = i
		}
		i.directory, i.idle = n.directory, time.Time{}
		k.become(i)
	}
	for _, name := range confirmed {
		i := k.interests[name]
		if i == nil {
			continue
		}
		if i.answered++; i.answered > i.sent {
			return errMoved
		}
		k.become(i)
	}
	k.calm = len(k.due) == 0
	return nil
}

// become makes i due.
func (k *keeper) become(i *interest) {
	if !i.due {
		i.due = true
		k.due = append(k.due, i)
	}
}

// idle reports that nothing is to be done.
func (k *keeper) idle() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.calm && k.session.bus.notes.none()
}

// unanswered is the number of channels that wait for Redis to confirm them.
func (k *keeper) unanswered() (n int) {
	for _, i := range k.interests {
		if i.answered != i.sent {
			n++
		}
	}
	return n
}

// find returns the channel of an app that a channel of Redis is for. It is called by the ears.
func (k *keeper) find(name string) (n note, last heardLast, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if i := k.interests[name]; i != nil {
		return i.note, i.last, true
	}
	return note{}, heardLast{}, false
}

func (k *keeper) subscribe(list []*interest) error {
	if len(list) == 0 {
		return nil
	}
	names := make([]string, len(list))
	for n, i := range list {
		i.subscribed = true
		i.sent++
		names[n] = i.name
	}
	return k.session.ears.subscribe(names)
}

// errand is one channel that Redis has to be told of, or asked about.
type errand struct {
	*interest
	work   broadcast.Work
	roster *goredis.Cmd
	last   *goredis.SliceCmd
}

// errand returns what is to be done for a channel that is heard. ok is false if it is nothing.
func (k *keeper) errand(i *interest) (e errand, ok bool) {
	e = errand{interest: i, work: i.directory.Work(i.channel)}
	if !e.work.Wanted && i.idle.IsZero() {
		i.idle = time.Now()
	}
	switch whole := e.work.Wanted && !e.work.Heard; {
	case len(e.work.Joins) > 0 || len(e.work.Leaves) > 0:
		return e, true
	case whole && (isPresence(i.channel) || isCache(i.channel)):
		return e, true
	case whole:
		i.directory.Heard(i.channel, broadcast.Standing{}, broadcast.Work{})
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
		if !e.work.Heard {
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
	if isCache(channel) && !e.work.Heard {
		e.last = pipe.HMGet(s.ctx, s.names.last(app, channel), "n", "e")
	}
}

// bring tells the hub what came of an errand.
func (k *keeper) bring(e *errand) error {
	var st broadcast.Standing
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
	if e.work.Heard || !e.work.Wanted {
		e.directory.Told(e.channel, e.work, st.Version)
		return nil
	}
	if e.last != nil {
		k.readLast(e, &st)
	}
	e.directory.Heard(e.channel, st, e.work)
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
			zapChannel(e.channel), zapError(err))
	}
	e.directory.Refused(e.channel, e.work)
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

// sweep stops hearing what nobody has wanted for a while.
func (k *keeper) sweep() error {
	var names []string
	k.mu.Lock()
	for name, i := range k.interests {
		switch {
		case i.due || i.answered != i.sent:
		case !i.subscribed && !i.directory.Wants(i.channel):
			delete(k.interests, name)
		case i.subscribed && !i.idle.IsZero() && time.Since(i.idle) > lingerTime:
			if i.idle = (time.Time{}); i.directory.Forgo(i.channel) {
				i.subscribed = false
				i.sent++
				names = append(names, name)
			}
		}
	}
	k.mu.Unlock()
	return k.session.ears.unsubscribe(names)
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
func (k *keeper) readLast(e *errand, st *broadcast.Standing) {
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
	st.Last, st.Order, st.Mine, st.Except = frameOf(s.payload), n, s.origin == k.session.bus.origin, s.except
	k.mu.Lock()
	e.interest.last = heardLast{s.origin, s.number}
	k.mu.Unlock()
}
