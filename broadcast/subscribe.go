package broadcast

import (
	"bytes"

	"reverbd/protocol/pusher"
)

// SubscribeReply is what a new subscriber is sent, in this order. Success is nil if the reply comes later: see
// Directory.Subscribe. Full says that s is not subscribed, because the presence channel has too many members: see
// Directory.SetMaxMembers.
type SubscribeReply struct {
	Full    bool
	Success Frame
	Last    Frame // the last event of a cache channel, or a pusher:cache_miss; nil on other channels
}

// Subscribe makes s a subscriber of the channel. On a presence channel member is the user of s; on a private channel it is the user
// that the app has signed, if any; else it is nil. A second subscription replaces the first.
//
// What is published after the reply reaches s; what was published before does not. One of several nodes can guarantee that
// only when the channel is in sync, so the reply may come later: then SubscribeReply is empty, and the subscription is
// pending until the loop of s sends the reply.
func (d *Directory) Subscribe(s *Subscriber, channel []byte, kind pusher.Kind, member *Identity) SubscribeReply {
	slot := s.find(channel)
	if slot >= 0 && kind.IsPresence() && s.subs[slot].member.Key != member.Key {
		d.unsubscribeSlot(s, slot) // the same connection as another user: the old user leaves, the new one joins
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
	reply, toWake := d.subscribeLocked(s, channel, kind, member)
	d.hub.wake(toWake, s.loop)
	return reply.encode()
}

func (d *Directory) subscribeLocked(s *Subscriber, channel []byte, kind pusher.Kind, member *Identity) (reply unencodedReply, toWake uint64) {
	st := d.stripe(channel)
	st.mu.Lock()
	defer st.mu.Unlock()
	fault("subscribe")
	if d.full(st.topics[string(channel)], member) {
		return unencodedReply{full: true}, 0
	}
	t := st.topic(channel, kind)
	d.observeSubscribe(t)
	if t.roster != nil {
		d.addLocal(t, member)
	}
	if !d.ready(t, member) {
		d.addPending(t, s, member)
		return reply, 0
	}
	return d.addSubscriber(t, s, member)
}

// SetMaxMembers bounds the users of each presence channel, as this node knows them; 0 is no limit. Those that a channel has stay.
func (d *Directory) SetMaxMembers(n int) { d.maxMembers.Store(int64(n)) }

// full reports that member would be one user too many of t, which may be nil. The stripe is locked.
func (d *Directory) full(t *Topic, member *Identity) bool {
	limit := d.maxMembers.Load()
	if limit == 0 || member == nil || t == nil || int64(t.users()) < limit {
		return false
	}
	m := t.roster.byKey[member.Key]
	return m == nil || !m.visible
}

// addSubscriber makes s a subscriber of t, which is ready for it. It runs on the loop of s, with the stripe locked.
func (d *Directory) addSubscriber(t *Topic, s *Subscriber, member *Identity) (reply unencodedReply, toWake uint64) {
	if t.roster != nil && member != nil {
		if m := t.roster.getOrAdd(member.Key); !m.visible {
			t.roster.show(m, member)
			toWake = d.announceJoin(t, member)
		}
	}
	t.subscribers++
	d.observeCount(t)
	d.noteCount(t)
	t.loops |= s.loop.bit
	if t.Kind.IsOnline() {
		s.loop.shard.add(t, s, nothingYet, nil)
		return unencodedReply{topic: t}, 0 // reportWatched is the reply
	}
	s.loop.shard.add(t, s, t.seq, member)
	return d.reply(t), toWake
}

// nothingYet keeps every job from a subscription.
const nothingYet = ^uint64(0)

// resubscribe replaces the identity of s in the subscription in slot.
func (d *Directory) resubscribe(s *Subscriber, slot int32, member *Identity) SubscribeReply {
	reply := d.resubscribeLocked(&s.subs[slot], member)
	return reply.encode()
}

func (d *Directory) resubscribeLocked(sub *subscription, member *Identity) unencodedReply {
	t := sub.group.topic
	t.stripe.mu.Lock()
	defer t.stripe.mu.Unlock()
	switch {
	case t.roster == nil:
		sub.member = member
	case !bytes.Equal(sub.member.Data, member.Data):
		d.changeIdentity(t, sub.member, member)
		sub.member = member
	}
	return d.reply(t)
}

// unencodedReply is a SubscribeReply whose encoding is left for when no lock is held. The zero value is none.
type unencodedReply struct {
	full   bool         // as in SubscribeReply
	topic  *Topic       // nil without a reply
	roster *rosterReply // nil but on presence channels
	last   Frame        // nil but on cache channels that have one
}

// reply returns the reply to a subscriber, with the state of t as it is. The stripe is locked.
func (d *Directory) reply(t *Topic) unencodedReply {
	r := unencodedReply{topic: t}
	if t.roster != nil {
		r.roster = t.roster.reply(t.Name)
	}
	if t.Kind.IsCache() {
		if r.last = d.lastEvent(t); r.last == nil {
			d.observeCacheMiss(t)
		}
	}
	return r
}

// encode returns the frames, none for the zero value. No lock may be held.
func (r *unencodedReply) encode() (reply SubscribeReply) {
	t := r.topic
	if t == nil {
		return SubscribeReply{Full: r.full}
	}
	if r.roster != nil {
		reply.Success = r.roster.encode()
		r.roster.keep(t)
	} else {
		reply.Success = subscriptionSucceeded(t.Name)
	}
	if reply.Last = r.last; r.last == nil && t.Kind.IsCache() {
		reply.Last = cacheMiss(t.Name)
	}
	return reply
}

// Unsubscribe ends the subscription of s to the channel, if there is one.
func (d *Directory) Unsubscribe(s *Subscriber, channel []byte) {
	if slot := s.find(channel); slot >= 0 {
		d.unsubscribeSlot(s, slot)
	} else if p := s.pendingFor(channel); p != nil {
		d.cancelPending(p)
	}
}

// unsubscribeSlot ends the subscription in slot of s.
func (d *Directory) unsubscribeSlot(s *Subscriber, slot int32) {
	sub := s.subs[slot]
	t := sub.group.topic
	onlyHere := s.loop.shard.isOnly(t)
	s.loop.shard.remove(s, slot)
	d.hub.wake(d.removeSubscriber(t, s.loop, onlyHere, sub.member), s.loop)
}

// removeSubscriber removes a connection of loop l from t. onlyHere says that it was the only one of that loop.
func (d *Directory) removeSubscriber(t *Topic, l *Loop, onlyHere bool, member *Identity) (toWake uint64) {
	st := t.stripe
	st.mu.Lock()
	defer st.mu.Unlock()
	fault("unsubscribe")
	t.subscribers--
	d.observeCount(t)
	d.noteCount(t)
	if onlyHere {
		t.loops &^= l.bit
	}
	if t.roster != nil && member != nil {
		toWake = d.removeLocal(t, member)
	}
	d.cleanUp(t)
	return toWake
}

// addLocal adds a connection of a user. The stripe is locked.
func (d *Directory) addLocal(t *Topic, id *Identity) {
	m := t.roster.getOrAdd(id.Key)
	m.local = append(m.local, id)
	if len(m.local) == 1 {
		d.observeMember(MemberAdded, t, m.key)
		d.queueUpdate(t, m)
	}
}

// removeLocal removes a connection of a user. If it was the last one on any node, the user leaves. The stripe is locked.
func (d *Directory) removeLocal(t *Topic, id *Identity) (toWake uint64) {
	m := t.roster.getOrAdd(id.Key)
	t.roster.removeLocal(m, id)
	if len(m.local) > 0 {
		return 0
	}
	d.observeMember(MemberRemoved, t, m.key)
	if d.hub.clustered() && (m.registered != nil || m.nodes > 0) {
		d.queueUpdate(t, m) // the cluster knows whether the user is on another node
		return 0
	}
	return d.hideMember(t, m)
}

// hideMember hides m and tells the subscribers; those of an OnlineChannel after a while. The stripe is locked.
func (d *Directory) hideMember(t *Topic, m *member) (toWake uint64) {
	if m.visible && t.Kind.IsOnline() && t.loops != 0 {
		d.goOffline(t, m)
		return 0
	}
	return d.hideNow(t, m)
}

func (d *Directory) hideNow(t *Topic, m *member) (toWake uint64) {
	if !m.visible {
		t.roster.prune(m)
		return 0
	}
	id := m.identity
	t.roster.hide(m)
	return d.announceLeave(t, id)
}

// cleanUp deletes t if nothing keeps it any longer. The stripe is locked.
func (d *Directory) cleanUp(t *Topic) {
	if !t.wanted() {
		d.observeVacated(t)
		d.markDirty(t)
	}
	if t.vacant() {
		delete(t.stripe.topics, t.Name)
	}
}

// announce posts a frame to every loop with subscribers of t while the stripe is locked, so that all loops see the member
// events of a channel in one order. It is never refused: a client that misses one has a wrong roster until it subscribes
// again.
func (d *Directory) announce(t *Topic, f Frame) (toWake uint64) {
	if t.loops == 0 {
		return 0
	}
	t.seq++
	return d.hub.post(t.loops, job{topic: t, seq: t.seq, frame: f})
}

// changeIdentity replaces the identity of a connection, by one of the same user or of another user. The stripe is locked.
func (d *Directory) changeIdentity(t *Topic, old, member *Identity) (toWake uint64) {
	if old.Key == member.Key {
		t.roster.replaceIdentity(old, member)
		d.queueUpdate(t, t.roster.getOrAdd(member.Key))
		return 0
	}
	d.addLocal(t, member)
	return d.removeLocal(t, old)
}
