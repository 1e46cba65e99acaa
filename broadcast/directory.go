package broadcast

import (
	"hash/maphash"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"reverbd/protocol/pusher"
)

// stripeCount is the number of locks that the channels of an app are spread over.
const stripeCount = 256

// Directory is the channels of one app. Subscribe and Unsubscribe belong to the loop of the subscriber; all
// else is safe for concurrent use.
type Directory struct {
	App       string
	hub       *Hub
	seed      maphash.Seed
	stripes   [stripeCount]stripe
	forgotten atomic.Bool // by the hub: what is cached now would stay for ever
}

// stripe is a part of the channels, under one lock. Under it only a mailbox may be locked.
type stripe struct {
	mu     sync.Mutex
	topics map[string]*Topic
	cached cacheList
}

// NewDirectory adds the channels of an app to the hub.
func (h *Hub) NewDirectory(app string) *Directory {
	d := &Directory{App: app, hub: h, seed: maphash.MakeSeed()}
	h.mu.Lock()
	h.directories = append(h.directories, d)
	h.mu.Unlock()
	return d
}

func (d *Directory) stripe(channel []byte) *stripe {
	return &d.stripes[maphash.Bytes(d.seed, channel)%stripeCount]
}

// topic returns the topic of the channel, which it makes if need be. The stripe is held.
func (st *stripe) topic(channel []byte, kind pusher.Kind) *Topic {
	if t := st.topics[string(channel)]; t != nil {
		return t
	}
	t := &Topic{Name: string(channel), Kind: kind, stripe: st}
	if kind.IsPresence() {
		t.roster = &roster{}
	}
	if st.topics == nil {
		st.topics = make(map[string]*Topic)
	}
	st.topics[t.Name] = t
	return t
}

// Joined is what a new subscriber must be told, in this order.
type Joined struct {
	Success Frame
	Last    Frame // the last event of a cache channel, or the cache miss; nil on other channels
}

// Subscribe makes s a subscriber of the channel. On a presence channel member says who s is and data is the
// channel_data that the app signed, else both are nil. A second subscription replaces the first.
//
// Whatever is published after it returns reaches s, whatever was published before does not.
func (d *Directory) Subscribe(s *Subscriber, channel []byte, kind pusher.Kind, member *Identity, data []byte) Joined {
	again := s.find(channel)
	if again >= 0 && member != nil && s.subs[again].member.Key != member.Key {
		d.leave(s, again) // the same connection as another user: he leaves, the other joins
		again = -1
	}
	if again >= 0 {
		return d.rejoin(s, again, member)
	}

	t, since, joined, asleep := d.join(s, channel, kind, member, data)
	s.loop.shard.add(t, s, since, member)
	d.hub.wake(asleep, s.loop)
	return joined
}

func (d *Directory) join(s *Subscriber, channel []byte, kind pusher.Kind, member *Identity, data []byte) (
	t *Topic, since uint64, joined Joined, asleep uint64,
) {
	st := d.stripe(channel)
	st.mu.Lock()
	defer st.mu.Unlock()
	t = st.topic(channel, kind)
	if member != nil && t.roster.join(member) {
		asleep = d.announce(t, memberAdded(t.Name, data), s.ID)
	}
	t.subscribers++
	t.loops |= s.loop.bit
	return t, t.seq, d.joined(t), asleep
}

// rejoin replaces what s said of itself when it subscribed to the channel in slot.
func (d *Directory) rejoin(s *Subscriber, slot int32, member *Identity) Joined {
	sub := &s.subs[slot]
	t := sub.group.topic
	st := t.stripe
	st.mu.Lock()
	defer st.mu.Unlock()
	if member != nil {
		t.roster.replace(sub.member, member)
		sub.member = member
	}
	return d.joined(t)
}

// joined builds the answer to a subscriber. The stripe is held.
func (d *Directory) joined(t *Topic) Joined {
	j := Joined{Success: subscriptionSucceeded(t)}
	if t.Kind.IsCache() {
		if j.Last = d.fresh(t); j.Last == nil {
			j.Last = cacheMiss(t.Name)
		}
	}
	return j
}

// Unsubscribe ends the subscription of s to the channel, if there is one.
func (d *Directory) Unsubscribe(s *Subscriber, channel []byte) {
	if slot := s.find(channel); slot >= 0 {
		d.leave(s, slot)
	}
}

// leave ends the subscription that s keeps in slot.
func (d *Directory) leave(s *Subscriber, slot int32) {
	sub := s.subs[slot]
	t := sub.group.topic
	lastHere := s.loop.shard.last(t)
	s.loop.shard.remove(s, slot)
	d.hub.wake(d.part(t, s.loop, lastHere, sub.member), s.loop)
}

// part takes one connection of loop l off t.
func (d *Directory) part(t *Topic, l *Loop, lastHere bool, member *Identity) (asleep uint64) {
	st := t.stripe
	st.mu.Lock()
	defer st.mu.Unlock()
	t.subscribers--
	if lastHere {
		t.loops &^= l.bit
	}
	if member != nil && t.roster.leave(member) {
		asleep = d.announce(t, memberRemoved(t.Name, member.ID), 0)
	}
	if t.vacant() {
		delete(st.topics, t.Name)
	}
	return asleep
}

// announce posts a frame to every loop with subscribers of t, while the stripe is held, so that all loops see the
// joins and leaves of a channel in one order. Never refused: a roster that misses one is wrong for good.
func (d *Directory) announce(t *Topic, f Frame, except pusher.SocketID) (asleep uint64) {
	if t.loops == 0 {
		return 0
	}
	t.seq++
	return d.hub.post(t.loops, job{topic: t, seq: t.seq, frame: f, except: except})
}

// Publish delivers f to all subscribers of the channel but the connection except (0: nobody is left out), here and on
// the other nodes. A cache channel remembers it. own is the loop that the caller runs on, nil if on none. The error is
// ErrOverloaded, with nothing delivered, or the bus's.
func (d *Directory) Publish(own *Loop, channel []byte, f Frame, except pusher.SocketID) error {
	if err := d.Deliver(own, channel, f, except); err != nil {
		return err
	}
	if d.hub.bus != nil {
		return d.hub.bus.Publish(d.App, string(channel), f, except)
	}
	return nil
}

// Deliver is Publish on this node alone: for events that came from another one.
func (d *Directory) Deliver(own *Loop, channel []byte, f Frame, except pusher.SocketID) error {
	kind := pusher.KindOf(channel)
	asleep, err := d.post(channel, kind, job{frame: f, packed: d.hub.pack(f), except: except})
	d.hub.wake(asleep, own)
	if kind.IsCache() && d.hub.cache.over() {
		d.hub.shrink()
	}
	return err
}

func (d *Directory) post(channel []byte, kind pusher.Kind, j job) (asleep uint64, err error) {
	st := d.stripe(channel)
	st.mu.Lock()
	defer st.mu.Unlock()
	t := st.topics[string(channel)]
	if t == nil {
		if !kind.IsCache() {
			return 0, nil
		}
		t = st.topic(channel, kind)
	}
	if d.hub.overloaded(t.loops) {
		return 0, ErrOverloaded
	}
	t.seq++
	if kind.IsCache() {
		d.remember(t, j.frame)
		if t.vacant() {
			delete(st.topics, t.Name)
		}
	}
	j.topic, j.seq = t, t.seq
	return d.hub.post(t.loops, j), nil
}

// Terminate ends every connection of the app that is a member of any presence channel as the user with that key.
func (d *Directory) Terminate(user string) error {
	d.TerminateHere(user)
	if d.hub.bus != nil {
		return d.hub.bus.Terminate(d.App, user)
	}
	return nil
}

// TerminateHere is Terminate on this node alone.
func (d *Directory) TerminateHere(user string) {
	for _, l := range d.hub.loops {
		if l.population.Load() > 0 { // a loop that never had a connection cannot be woken
			l.Post(&terminate{loop: l, directory: d, user: user})
		}
	}
}

// Channel is what the HTTP API may ask of one channel.
type Channel struct {
	Name        string
	Kind        pusher.Kind
	Subscribers int   // connections
	Users       int   // different users, presence channels only
	Last        Frame // the last event of a cache channel, nil if there is none
}

// Occupied reports whether anyone is subscribed.
func (c Channel) Occupied() bool { return c.Subscribers > 0 }

// Channel describes one channel. A channel that nobody has subscribed to is not occupied, never an error.
func (d *Directory) Channel(name []byte) Channel {
	st := d.stripe(name)
	st.mu.Lock()
	defer st.mu.Unlock()
	if t := st.topics[string(name)]; t != nil {
		return d.describe(t)
	}
	return Channel{Name: string(name), Kind: pusher.KindOf(name)}
}

func (d *Directory) describe(t *Topic) Channel {
	return Channel{Name: t.Name, Kind: t.Kind, Subscribers: int(t.subscribers), Users: t.users(), Last: d.fresh(t)}
}

// Channels describes the occupied channels whose name begins with prefix, by name. It holds one stripe at a time, so
// that it is no snapshot of one moment.
func (d *Directory) Channels(prefix string) []Channel {
	var channels []Channel
	for i := range d.stripes {
		st := &d.stripes[i]
		st.mu.Lock()
		for name, t := range st.topics {
			if t.subscribers > 0 && strings.HasPrefix(name, prefix) {
				channels = append(channels, d.describe(t))
			}
		}
		st.mu.Unlock()
	}
	slices.SortFunc(channels, func(a, b Channel) int { return strings.Compare(a.Name, b.Name) })
	return channels
}

// Users returns the user_id, as raw JSON, of every user on a presence channel, in the order in which they joined.
func (d *Directory) Users(name []byte) [][]byte {
	st := d.stripe(name)
	st.mu.Lock()
	defer st.mu.Unlock()
	if t := st.topics[string(name)]; t != nil && t.roster != nil {
		return t.roster.ids()
	}
	return nil
}
