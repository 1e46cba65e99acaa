package broadcast

import "reverbd/protocol/pusher"

// What the bus calls when it has learnt something of the other nodes. All of it is safe for concurrent use, but calls that
// concern one channel must come in the order in which things happened.

// clustered reports whether the bus is connected, so that there may be other nodes.
func (h *Hub) clustered() bool { return h.bus != nil && h.busConnected.Load() }

// ready reports whether a subscription to t may be answered now: without a bus always; else the channel must be in sync,
// and the cluster's roster that this node shows must contain member. The stripe is locked.
func (d *Directory) ready(t *Topic, member *Identity) bool {
	if !d.hub.clustered() {
		return true
	}
	if !t.synced || t.roster == nil || member == nil {
		return t.synced
	}
	m := t.roster.getOrAdd(member.Key)
	return m.visible && m.registered != nil && !m.unregistering && m.sinceVersion <= t.roster.version
}

// markDirty asks the bus to look at t. Topic.dirty makes sure that a topic is in the bus's dirty set once. The stripe is
// locked.
func (d *Directory) markDirty(t *Topic) {
	if d.hub.clustered() && !t.dirty {
		t.dirty = true
		d.hub.bus.MarkDirty(d, t.Name)
	}
}

// queueUpdate adds m, who has joined or left this node, to the next Update. The stripe is locked.
func (d *Directory) queueUpdate(t *Topic, m *member) {
	if d.hub.clustered() {
		t.roster.markUnsent(m)
		d.markDirty(t)
	}
}

// withTopic locks the stripe of the channel, calls f with its topic if there is one, unlocks, and wakes the loops that f
// returns.
func (d *Directory) withTopic(channel string, f func(*Topic) (toWake uint64)) {
	d.hub.wake(d.stripe([]byte(channel)).with(channel, f), nil)
}

func (st *stripe) with(channel string, f func(*Topic) (toWake uint64)) (toWake uint64) {
	st.mu.Lock()
	defer st.mu.Unlock()
	fault("with")
	if t := st.topics[channel]; t != nil {
		toWake = f(t)
	}
	return toWake
}

// TakeUpdate returns the update that the cluster needs for a channel now. The caller must send Joins and Leaves to the
// cluster and then call Synced, Applied or Rejected with the update, before it takes the next update of the channel.
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

// Wants reports whether the channel has subscribers on this node, or pending ones. Like TakeUpdate it takes the channel out
// of the dirty set: the next change of its state marks it as dirty again.
func (d *Directory) Wants(channel string) (wanted bool) {
	d.withTopic(channel, func(t *Topic) uint64 {
		t.dirty = false
		wanted = t.wanted()
		return 0
	})
	return wanted
}

// HasRegistered reports whether the cluster has users of this node registered on the channel, or is being told that they
// leave.
func (d *Directory) HasRegistered(channel string) (registered bool) {
	d.withTopic(channel, func(t *Topic) uint64 {
		registered = t.hasRegistered()
		return 0
	})
	return registered
}

// unknownVersion is the version of a roster that the cluster has not confirmed yet.
const unknownVersion = ^uint64(0)

// Snapshot is the state of a channel in the cluster when this node began to receive its messages.
type Snapshot struct {
	Version uint64          // of the roster
	Members []Member        // of a presence channel
	Last    Frame           // the last event of a cache channel, nil if there is none
	Offset  uint64          // of Last: its position among all events of the channel
	Own     bool            // this process has published Last
	Except  pusher.SocketID // the connection that does not get Last; 0: none
}

// Synced says that this node receives all messages of the channel from now on, and in what state the channel was when it
// began to. Update u was applied before the snapshot was read.
func (d *Directory) Synced(channel string, s Snapshot, u Update) {
	d.withTopic(channel, func(t *Topic) (toWake uint64) {
		t.synced = true
		if t.roster != nil {
			toWake = d.confirmUpdate(t, u, s.Version)
			toWake |= d.applySnapshot(t, s)
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
			if t.loops != 0 && !s.Own { // the subscribers were here while the cluster could not be reached, and have missed it
				t.seq++
				toWake |= d.hub.post(t.loops, job{topic: t, seq: t.seq, frame: s.Last, except: s.Except})
			}
		}
		return toWake
	})
	d.answerAll(channel)
	d.withTopic(channel, d.tidy)
}

// tidy is cleanUp as withTopic takes it.
func (d *Directory) tidy(t *Topic) (toWake uint64) {
	d.cleanUp(t)
	return 0
}

// Applied says that the cluster has applied u: the roster contains it from that version on.
func (d *Directory) Applied(channel string, u Update, version uint64) {
	d.withTopic(channel, func(t *Topic) (toWake uint64) {
		toWake = d.confirmUpdate(t, u, version)
		d.cleanUp(t)
		return toWake
	})
}

// Rejected says that the cluster has not taken u: the changes go into the next update.
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

// confirmUpdate notes that the cluster has applied u, answers those who wait for it, and queues what has changed since u was taken. The
// stripe is locked.
func (d *Directory) confirmUpdate(t *Topic, u Update, version uint64) (toWake uint64) {
	for _, id := range u.Joins {
		m := t.roster.getOrAdd(id.Key)
		if m.sinceVersion == unknownVersion {
			m.sinceVersion = version
		}
		if version > t.roster.version {
			t.roster.ahead = append(t.roster.ahead, m)
		} else {
			toWake |= d.answerUser(m)
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
	return toWake
}

// TryUnsync asks whether this node may unsubscribe from the channel. If so, the channel counts as not in sync from now on.
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

// ConfirmCached gives the offset that the cluster assigned to an event of this node on a cache channel.
func (d *Directory) ConfirmCached(channel string, f Frame, offset uint64) {
	d.withTopic(channel, func(t *Topic) uint64 {
		if offset > t.cacheOffset {
			t.cacheOffset = offset
			d.cacheEvent(t, f)
		}
		return 0
	})
}

// IsAwaited reports whether a subscription to the channel is pending, or the channel is wanted and not in sync.
func (d *Directory) IsAwaited(channel string) (awaited bool) {
	d.withTopic(channel, func(t *Topic) uint64 {
		awaited = len(t.pending) > 0 || t.wanted() && !t.synced
		return 0
	})
	return awaited
}
