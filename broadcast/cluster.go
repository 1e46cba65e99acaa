package broadcast

import "reverbd/protocol/pusher"

// What the bus calls when it has learnt something of the other nodes. All of it is safe for concurrent use, but calls that
// concern one channel must come in the order in which things happened.

// clustered reports that there are other nodes, and that they can be reached.
func (h *Hub) clustered() bool { return h.bus != nil && h.busConnected.Load() }

// ready reports whether a subscription to t may be answered now. The stripe is held.
func (d *Directory) ready(t *Topic, member *Identity) bool {
	if !d.hub.clustered() {
		return true
	}
	if !t.synced || member == nil {
		return t.synced
	}
	m := t.roster.getOrAdd(member.Key)
	return m.visible && m.registered != nil && !m.unregistering && m.sinceVersion <= t.roster.version
}

// watch has the bus look at t. The stripe is held.
func (d *Directory) markDirty(t *Topic) {
	if d.hub.clustered() && !t.dirty {
		t.dirty = true
		d.hub.bus.MarkDirty(d, t.Name)
	}
}

// tell has the cluster told of m, who has come to this node or left it. The stripe is held.
func (d *Directory) queueUpdate(t *Topic, m *member) {
	if d.hub.clustered() {
		t.roster.markUnsent(m)
		d.markDirty(t)
	}
}

// within calls f with the topic of the channel, if there is one, while its stripe is held, and wakes the loops that f says.
func (d *Directory) withTopic(channel string, f func(*Topic) (toWake uint64)) {
	st := d.stripe([]byte(channel))
	st.mu.Lock()
	var toWake uint64
	if t := st.topics[channel]; t != nil {
		toWake = f(t)
	}
	st.mu.Unlock()
	d.hub.wake(toWake, nil)
}

// Work returns what this node wants of a channel now. Joins and Leaves count as told from then on: whoever asks must see to it that the
// cluster learns of them and call Heard, Told or Refused, before it asks about the channel again.
func (d *Directory) TakeUpdate(channel string) (u Update) {
	d.withTopic(channel, func(t *Topic) uint64 {
		t.dirty = false
		u.Wanted, u.Synced = t.wanted(), t.synced
		if t.roster == nil {
			return 0
		}
		unsent := t.roster.unsent
		t.roster.unsent = nil
		for _, m := range unsent {
			m.queued = false
			switch {
			case len(m.local) == 0 && m.registered != nil:
				m.unregistering = true
				u.Leaves = append(u.Leaves, m.key)
			case len(m.local) > 0 && m.registered != m.local[0]:
				if m.registered == nil {
					m.sinceVersion = unknownVersion
				}
				m.registered = m.local[0]
				u.Joins = append(u.Joins, m.registered)
			default:
				t.roster.prune(m)
			}
		}
		return 0
	})
	return u
}

// Wants reports whether somebody here listens to the channel.
func (d *Directory) Wants(channel string) (wanted bool) {
	d.withTopic(channel, func(t *Topic) uint64 {
		t.dirty = false
		wanted = t.wanted()
		return 0
	})
	return wanted
}

// Owes reports whether the cluster has yet to be told that somebody has left the channel.
func (d *Directory) HasRegistered(channel string) (registered bool) {
	d.withTopic(channel, func(t *Topic) uint64 {
		registered = t.hasRegistered()
		return 0
	})
	return registered
}

// unknownVersion is that of a roster which the cluster has not confirmed yet.
const unknownVersion = ^uint64(0)

// Standing is how things stood on a channel when this node began to hear it.
type Snapshot struct {
	Version uint64          // of the roster
	Members []Member        // of a presence channel
	Last    Frame           // the last event of a cache channel, nil if there is none
	Offset  uint64          // its place among all of the channel
	Own     bool            // and this node has published it
	Except  pusher.SocketID // the connection that it leaves out; 0: none
}

// Heard says that this node hears the channel from now on, and how things stood when it began to. The members of w were told before that.
func (d *Directory) Synced(channel string, s Snapshot, u Update) {
	d.withTopic(channel, func(t *Topic) (toWake uint64) {
		t.synced = true
		if t.roster != nil {
			d.confirmUpdate(t, u, s.Version)
			toWake = d.applySnapshot(t, s)
			buffered := t.roster.buffered
			t.roster.buffered = nil
			for _, delta := range buffered {
				toWake |= d.applyDelta(t, delta)
			}
		}
		t.syncOffset = s.Offset
		if t.Kind.IsCache() && s.Offset > t.cacheOffset {
			t.cacheOffset = s.Offset
			d.cacheEvent(t, s.Last)
			if t.loops != 0 && !s.Own { // they were here while the cluster could not be reached
				t.seq++
				toWake |= d.hub.post(t.loops, job{topic: t, seq: t.seq, frame: s.Last, except: s.Except})
			}
		}
		toWake |= d.answerPending(t)
		d.cleanUp(t)
		return toWake
	})
}

// Told says that the cluster has been told of w. The roster has it from that version on.
func (d *Directory) Applied(channel string, u Update, version uint64) {
	d.withTopic(channel, func(t *Topic) (toWake uint64) {
		d.confirmUpdate(t, u, version)
		toWake = d.answerPending(t)
		d.cleanUp(t)
		return toWake
	})
}

// Refused says that the cluster could not be told of w: it has to be tried again.
func (d *Directory) Rejected(channel string, u Update) {
	d.withTopic(channel, func(t *Topic) uint64 {
		for _, id := range u.Joins {
			m := t.roster.getOrAdd(id.Key)
			if m.sinceVersion == unknownVersion {
				m.registered = nil
			}
			t.roster.markUnsent(m)
		}
		for _, key := range u.Leaves {
			m := t.roster.getOrAdd(key)
			m.unregistering = false
			t.roster.markUnsent(m)
		}
		return 0
	})
}

// settleDebts notes that the cluster knows of w. The stripe is held.
func (d *Directory) confirmUpdate(t *Topic, u Update, version uint64) {
	for _, id := range u.Joins {
		m := t.roster.getOrAdd(id.Key)
		if m.sinceVersion == unknownVersion {
			m.sinceVersion = version
		}
		if len(m.local) == 0 || m.local[0] != m.registered {
			d.queueUpdate(t, m)
		}
	}
	for _, key := range u.Leaves {
		m := t.roster.getOrAdd(key)
		m.registered, m.unregistering = nil, false
		if len(m.local) > 0 {
			d.queueUpdate(t, m)
		}
		t.roster.prune(m)
	}
}

// Changed brings changes of a channel's roster, which take it from version prev to version. A node that missed the one before asks for
// the whole roster.
func (d *Directory) RosterChanged(channel string, prev, version uint64, changes []Change) {
	d.withTopic(channel, func(t *Topic) (toWake uint64) {
		switch {
		case t.roster == nil:
		case !t.synced:
			t.roster.buffer(rosterDelta{prev, version, changes})
		default:
			toWake = d.applyDelta(t, rosterDelta{prev, version, changes}) | d.answerPending(t)
		}
		return toWake
	})
}

// advance applies changes to the roster that they follow on. The stripe is held.
func (d *Directory) applyDelta(t *Topic, delta rosterDelta) (toWake uint64) {
	r := t.roster
	switch {
	case delta.version <= r.version:
		return 0
	case delta.prev != r.version:
		t.synced = false
		d.markDirty(t)
		return 0
	}
	r.version = delta.version
	for _, c := range delta.changes {
		toWake |= d.applyChange(t, c)
	}
	return toWake
}

// early is changes that have come before the roster which they change.
type rosterDelta struct {
	prev, version uint64
	changes       []Change
}

// maxEarly bounds the changes that wait for their roster. If more come, the roster is asked for once more.
const maxBuffered = 1000

func (r *roster) buffer(delta rosterDelta) {
	if len(r.buffered) < maxBuffered {
		r.buffered = append(r.buffered, delta)
	} else {
		r.buffered[maxBuffered-1] = delta
	}
}

// change applies one change. The stripe is held.
func (d *Directory) applyChange(t *Topic, c Change) (toWake uint64) {
	m := t.roster.getOrAdd(c.Key)
	m.nodes = c.Nodes
	if c.Nodes == 0 {
		return d.hideMember(t, m)
	}
	if len(c.Data) == 0 {
		return 0
	}
	id, err := NewIdentity(c.Data)
	if err != nil || id.Key != c.Key {
		return 0 // nobody of ours has said that
	}
	if m.visible {
		m.identity = id
		return 0
	}
	t.roster.show(m, id)
	return d.announce(t, memberAdded(t.Name, id.Data))
}

// compare makes the shown roster the cluster's, and has everybody told of the differences. Who is here and not yet told to the
// cluster stays. The stripe is held.
func (d *Directory) applySnapshot(t *Topic, s Snapshot) (toWake uint64) {
	r := t.roster
	r.version = s.Version
	rank := make(map[*member]int, len(s.Members))
	for i, c := range s.Members {
		rank[r.getOrAdd(c.Key)] = i
	}
	for i := len(r.members) - 1; i >= 0; i-- {
		m := r.members[i]
		if _, ok := rank[m]; !ok {
			m.nodes = 0
			if len(m.local) == 0 || m.registered != nil {
				toWake |= d.hideMember(t, m)
			}
		}
	}
	for _, c := range s.Members {
		toWake |= d.applyChange(t, c)
	}
	r.sort(rank)
	return toWake
}

// Forgo asks whether the channel need not be heard any longer. If so, this node counts as deaf to it from now on.
func (d *Directory) TryUnsync(channel string) (unsynced bool) {
	unsynced = true
	d.withTopic(channel, func(t *Topic) uint64 {
		unsynced = !t.wanted() && !t.hasRegistered()
		if unsynced {
			t.synced = false
		}
		return 0
	})
	return unsynced
}

// Confirm says which place an event of this node, on a cache channel, has among all events of that channel.
func (d *Directory) ConfirmCached(channel string, f Frame, offset uint64) {
	d.withTopic(channel, func(t *Topic) uint64 {
		if offset > t.cacheOffset {
			t.cacheOffset = offset
			d.cacheEvent(t, f)
		}
		return 0
	})
}

// Joined says that the bus reaches the other nodes. It is told anew of everything that this node wants.
func (h *Hub) BusConnected() {
	h.busConnected.Store(true)
	h.eachTopic(func(d *Directory, t *Topic) uint64 {
		if t.roster != nil {
			for _, m := range t.roster.byKey {
				if len(m.local) > 0 {
					t.roster.markUnsent(m)
				}
			}
		}
		if t.wanted() {
			d.markDirty(t)
		}
		return 0
	})
}

// Parted says that the bus does not reach the other nodes any longer. Until Joined this node is one of its own, with the members of the others
// as they were.
func (h *Hub) BusDisconnected() {
	h.busConnected.Store(false)
	h.eachTopic(func(d *Directory, t *Topic) (toWake uint64) {
		t.synced, t.dirty = false, false
		if t.roster != nil {
			toWake = d.detachRoster(t)
		}
		toWake |= d.answerPending(t)
		d.cleanUp(t)
		return toWake
	})
}

// partRoster forgets what the cluster knows of this node. The stripe is held.
func (d *Directory) detachRoster(t *Topic) (toWake uint64) {
	r := t.roster
	r.unsent, r.buffered, r.version = nil, nil, 0
	for _, m := range r.byKey {
		if m.registered != nil && m.nodes > 0 && m.sinceVersion != unknownVersion {
			m.nodes--
		}
		m.registered, m.sinceVersion, m.unregistering, m.queued = nil, 0, false, false
		if len(m.local) == 0 && m.nodes == 0 {
			toWake |= d.hideMember(t, m)
		}
	}
	return toWake
}

// everywhere calls f for every topic of every app, with its stripe held.
func (h *Hub) eachTopic(f func(*Directory, *Topic) (toWake uint64)) {
	for _, d := range h.allDirectories() {
		for i := range d.stripes {
			st := &d.stripes[i]
			var toWake uint64
			st.mu.Lock()
			for _, t := range st.topics {
				toWake |= f(d, t)
			}
			st.mu.Unlock()
			h.wake(toWake, nil)
		}
	}
}
