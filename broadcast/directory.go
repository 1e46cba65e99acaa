package broadcast

import (
	"hash/maphash"
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
	forgotten atomic.Bool  // by the hub: what is cached now would stay for ever
	crowd     atomic.Int64 // connections of the app on this node
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

// Joined is what a new subscriber must be told, in this order. Without Success the answer comes later: see Subscribe.
type Joined struct {
	Success Frame
	Last    Frame // the last event of a cache channel, or the cache miss; nil on other channels
}

// Subscribe makes s a subscriber of the channel. On a presence channel member says who s is, else it is nil. A second
// subscription replaces the first.
//
// Whatever is published after it has been answered reaches s, whatever was published before does not. One of several nodes can
// promise that only once it hears the channel, so there the answer may come later: then Joined is empty, and s is sent
// by itself what it must be told.
func (d *Directory) Subscribe(s *Subscriber, channel []byte, kind pusher.Kind, member *Identity) Joined {
	again := s.find(channel)
	if again >= 0 && member != nil && s.subs[again].member.Key != member.Key {
		d.leave(s, again) // the same connection as another user: he leaves, the other joins
		again = -1
	}
	if again >= 0 {
		return d.rejoin(s, again, member)
	}
	if w := s.waitsFor(channel); w != nil {
		d.waitAgain(w, member)
		return Joined{}
	}
	return d.join(s, channel, kind, member)
}

func (d *Directory) join(s *Subscriber, channel []byte, kind pusher.Kind, member *Identity) Joined {
	st := d.stripe(channel)
	st.mu.Lock()
	t := st.topic(channel, kind)
	if member != nil {
		d.arrive(t, member)
	}
	if !d.ready(t, member) {
		d.wait(t, s, member)
		st.mu.Unlock()
		return Joined{}
	}
	joined, asleep := d.admit(t, s, member)
	st.mu.Unlock()
	d.hub.wake(asleep, s.loop)
	return joined
}

// admit makes s a subscriber of t, which is ready for it. It runs on the loop of s, and the stripe is held.
func (d *Directory) admit(t *Topic, s *Subscriber, member *Identity) (joined Joined, asleep uint64) {
	if member != nil {
		if m := t.roster.at(member.Key); !m.shown {
			t.roster.show(m, member)
			asleep = d.announce(t, memberAdded(t.Name, member.Data))
		}
	}
	t.subscribers++
	t.loops |= s.loop.bit
	s.loop.shard.add(t, s, t.seq, member)
	return d.joined(t), asleep
}

// rejoin replaces what s said of itself when it subscribed to the channel in slot.
func (d *Directory) rejoin(s *Subscriber, slot int32, member *Identity) Joined {
	sub := &s.subs[slot]
	t := sub.group.topic
	st := t.stripe
	st.mu.Lock()
	defer st.mu.Unlock()
	if member != nil {
		d.exchange(t, sub.member, member)
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
	} else if w := s.waitsFor(channel); w != nil {
		d.giveUp(w)
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
	if member != nil {
		asleep = d.depart(t, member)
	}
	d.tidy(t)
	return asleep
}

// arrive counts in a connection of a member. The stripe is held.
func (d *Directory) arrive(t *Topic, id *Identity) {
	m := t.roster.at(id.Key)
	m.here = append(m.here, id)
	if len(m.here) == 1 {
		d.tell(t, m)
	}
}

// depart takes a connection off its member, who is gone if it was his last one anywhere. The stripe is held.
func (d *Directory) depart(t *Topic, id *Identity) (asleep uint64) {
	m := t.roster.at(id.Key)
	m.leave(id)
	if len(m.here) > 0 {
		return 0
	}
	if d.hub.clustered() && (m.told != nil || m.nodes > 0) {
		d.tell(t, m) // whether he is gone is for the cluster to say
		return 0
	}
	return d.expel(t, m)
}

// expel hides m and has everybody told. The stripe is held.
func (d *Directory) expel(t *Topic, m *member) (asleep uint64) {
	if !m.shown {
		t.roster.drop(m)
		return 0
	}
	id := m.identity.ID
	t.roster.hide(m)
	return d.announce(t, memberRemoved(t.Name, id))
}

// tidy removes t if nothing keeps it any longer. The stripe is held.
func (d *Directory) tidy(t *Topic) {
	if !t.wanted() {
		d.watch(t)
	}
	if t.vacant() {
		delete(t.stripe.topics, t.Name)
	}
}

// announce posts a frame to every loop with subscribers of t, while the stripe is held, so that all loops see the
// joins and leaves of a channel in one order. Never refused: a roster that misses one is wrong for good.
func (d *Directory) announce(t *Topic, f Frame) (asleep uint64) {
	if t.loops == 0 {
		return 0
	}
	t.seq++
	return d.hub.post(t.loops, job{topic: t, seq: t.seq, frame: f})
}

// Publish delivers f to all subscribers of the channel but the connection except (0: nobody is left out), here and on
// the other nodes. A cache channel remembers it. own is the loop that the caller runs on, nil if on none. The error is
// ErrOverloaded, with nothing delivered anywhere.
func (d *Directory) Publish(own *Loop, channel []byte, f Frame, except pusher.SocketID) error {
	bus := d.hub.bus
	if bus == nil {
		return d.deliver(own, channel, f, except, 0)
	}
	if err := bus.Reserve(len(f)); err != nil {
		return err
	}
	if err := d.deliver(own, channel, f, except, 0); err != nil {
		bus.Release(len(f))
		return err
	}
	bus.Publish(Event{App: d.App, Channel: string(channel), Frame: f, Except: except})
	return nil
}

// Deliver is Publish on this node alone, for events that came from another one. order is the place of an event of a cache channel
// among all of that channel; 0 on other channels.
func (d *Directory) Deliver(channel []byte, f Frame, except pusher.SocketID, order uint64) error {
	return d.deliver(nil, channel, f, except, order)
}

func (d *Directory) deliver(own *Loop, channel []byte, f Frame, except pusher.SocketID, order uint64) error {
	kind := pusher.KindOf(channel)
	asleep, err := d.post(channel, kind, job{frame: f, packed: d.hub.pack(f), except: except}, order)
	d.hub.wake(asleep, own)
	if kind.IsCache() && d.hub.cache.over() {
		d.hub.shrink()
	}
	return err
}

func (d *Directory) post(channel []byte, kind pusher.Kind, j job, order uint64) (asleep uint64, err error) {
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
	if kind.IsCache() {
		if order > 0 && order <= t.cacheSince {
			return 0, nil // it came with the last event that the cluster knew when this node began to hear the channel
		}
		if order == 0 || order > t.cacheOrder { // else one of this node overtook it
			t.cacheOrder = max(t.cacheOrder, order)
			d.remember(t, j.frame)
		}
		if t.vacant() {
			delete(st.topics, t.Name)
		}
	}
	t.seq++
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
