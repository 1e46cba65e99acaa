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
	App         string
	hub         *Hub
	seed        maphash.Seed
	stripes     [stripeCount]stripe
	removed     atomic.Bool  // by the hub: what is cached now would stay for ever
	connections atomic.Int64 // connections of the app on this node
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
type SubscribeReply struct {
	Success Frame
	Last    Frame // the last event of a cache channel, or the cache miss; nil on other channels
}

// Subscribe makes s a subscriber of the channel. On a presence channel member says who s is, else it is nil. A second
// subscription replaces the first.
//
// Whatever is published after it has been answered reaches s, whatever was published before does not. One of several nodes can
// promise that only once it hears the channel, so there the answer may come later: then Joined is empty, and s is sent
// by itself what it must be told.
func (d *Directory) Subscribe(s *Subscriber, channel []byte, kind pusher.Kind, member *Identity) SubscribeReply {
	slot := s.find(channel)
	if slot >= 0 && member != nil && s.subs[slot].member.Key != member.Key {
		d.unsubscribeSlot(s, slot) // the same connection as another user: he leaves, the other joins
		slot = -1
	}
	if slot >= 0 {
		return d.resubscribe(s, slot, member)
	}
	if p := s.pendingFor(channel); p != nil {
		d.repeatPending(p, member)
		return SubscribeReply{}
	}
	return d.subscribeNew(s, channel, kind, member)
}

func (d *Directory) subscribeNew(s *Subscriber, channel []byte, kind pusher.Kind, member *Identity) SubscribeReply {
	st := d.stripe(channel)
	st.mu.Lock()
	t := st.topic(channel, kind)
	if member != nil {
		d.addLocal(t, member)
	}
	if !d.ready(t, member) {
		d.addPending(t, s, member)
		st.mu.Unlock()
		return SubscribeReply{}
	}
	reply, toWake := d.addSubscriber(t, s, member)
	st.mu.Unlock()
	d.hub.wake(toWake, s.loop)
	return reply
}

// admit makes s a subscriber of t, which is ready for it. It runs on the loop of s, and the stripe is held.
func (d *Directory) addSubscriber(t *Topic, s *Subscriber, member *Identity) (reply SubscribeReply, toWake uint64) {
	if member != nil {
		if m := t.roster.getOrAdd(member.Key); !m.visible {
			t.roster.show(m, member)
			toWake = d.announce(t, memberAdded(t.Name, member.Data))
		}
	}
	t.subscribers++
	t.loops |= s.loop.bit
	s.loop.shard.add(t, s, t.seq, member)
	return d.reply(t), toWake
}

// rejoin replaces what s said of itself when it subscribed to the channel in slot.
func (d *Directory) resubscribe(s *Subscriber, slot int32, member *Identity) SubscribeReply {
	sub := &s.subs[slot]
	t := sub.group.topic
	st := t.stripe
	st.mu.Lock()
	defer st.mu.Unlock()
	if member != nil {
		d.changeIdentity(t, sub.member, member)
		sub.member = member
	}
	return d.reply(t)
}

// joined builds the answer to a subscriber. The stripe is held.
func (d *Directory) reply(t *Topic) SubscribeReply {
	r := SubscribeReply{Success: subscriptionSucceeded(t)}
	if t.Kind.IsCache() {
		if r.Last = d.lastEvent(t); r.Last == nil {
			r.Last = cacheMiss(t.Name)
		}
	}
	return r
}

// Unsubscribe ends the subscription of s to the channel, if there is one.
func (d *Directory) Unsubscribe(s *Subscriber, channel []byte) {
	if slot := s.find(channel); slot >= 0 {
		d.unsubscribeSlot(s, slot)
	} else if p := s.pendingFor(channel); p != nil {
		d.cancelPending(p)
	}
}

// leave ends the subscription that s keeps in slot.
func (d *Directory) unsubscribeSlot(s *Subscriber, slot int32) {
	sub := s.subs[slot]
	t := sub.group.topic
	onlyHere := s.loop.shard.isOnly(t)
	s.loop.shard.remove(s, slot)
	d.hub.wake(d.removeSubscriber(t, s.loop, onlyHere, sub.member), s.loop)
}

// part takes one connection of loop l off t.
func (d *Directory) removeSubscriber(t *Topic, l *Loop, onlyHere bool, member *Identity) (toWake uint64) {
	st := t.stripe
	st.mu.Lock()
	defer st.mu.Unlock()
	t.subscribers--
	if onlyHere {
		t.loops &^= l.bit
	}
	if member != nil {
		toWake = d.removeLocal(t, member)
	}
	d.cleanUp(t)
	return toWake
}

// arrive counts in a connection of a member. The stripe is held.
func (d *Directory) addLocal(t *Topic, id *Identity) {
	m := t.roster.getOrAdd(id.Key)
	m.local = append(m.local, id)
	if len(m.local) == 1 {
		d.queueUpdate(t, m)
	}
}

// depart takes a connection off its member, who is gone if it was his last one anywhere. The stripe is held.
func (d *Directory) removeLocal(t *Topic, id *Identity) (toWake uint64) {
	m := t.roster.getOrAdd(id.Key)
	m.removeLocal(id)
	if len(m.local) > 0 {
		return 0
	}
	if d.hub.clustered() && (m.registered != nil || m.nodes > 0) {
		d.queueUpdate(t, m) // whether he is gone is for the cluster to say
		return 0
	}
	return d.hideMember(t, m)
}

// expel hides m and has everybody told. The stripe is held.
func (d *Directory) hideMember(t *Topic, m *member) (toWake uint64) {
	if !m.visible {
		t.roster.prune(m)
		return 0
	}
	id := m.identity.ID
	t.roster.hide(m)
	return d.announce(t, memberRemoved(t.Name, id))
}

// tidy removes t if nothing keeps it any longer. The stripe is held.
func (d *Directory) cleanUp(t *Topic) {
	if !t.wanted() {
		d.markDirty(t)
	}
	if t.vacant() {
		delete(t.stripe.topics, t.Name)
	}
}

// announce posts a frame to every loop with subscribers of t, while the stripe is held, so that all loops see the
// joins and leaves of a channel in one order. Never refused: a roster that misses one is wrong for good.
func (d *Directory) announce(t *Topic, f Frame) (toWake uint64) {
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
func (d *Directory) Deliver(channel []byte, f Frame, except pusher.SocketID, offset uint64) error {
	return d.deliver(nil, channel, f, except, offset)
}

func (d *Directory) deliver(own *Loop, channel []byte, f Frame, except pusher.SocketID, offset uint64) error {
	kind := pusher.KindOf(channel)
	toWake, err := d.post(channel, kind, job{frame: f, deflated: d.hub.deflate(f), except: except}, offset)
	d.hub.wake(toWake, own)
	if kind.IsCache() && d.hub.cache.over() {
		d.hub.shrinkCache()
	}
	return err
}

func (d *Directory) post(channel []byte, kind pusher.Kind, j job, offset uint64) (toWake uint64, err error) {
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
		if offset > 0 && offset <= t.syncOffset {
			return 0, nil // it came with the last event that the cluster knew when this node began to hear the channel
		}
		if offset == 0 || offset > t.cacheOffset { // else one of this node overtook it
			t.cacheOffset = max(t.cacheOffset, offset)
			d.cacheEvent(t, j.frame)
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
	d.TerminateLocal(user)
	if d.hub.bus != nil {
		return d.hub.bus.Terminate(d.App, user)
	}
	return nil
}

// TerminateHere is Terminate on this node alone.
func (d *Directory) TerminateLocal(user string) {
	for _, l := range d.hub.loops {
		if l.connectionCount.Load() > 0 { // a loop that never had a connection cannot be woken
			l.Post(&terminateTask{loop: l, directory: d, user: user})
		}
	}
}
