package broadcast

import "time"

// RosterChanged applies changes that take the roster of a channel from version prev to version. If a version is missing in
// between, the node reads the whole roster again.
func (d *Directory) RosterChanged(channel string, prev, version uint64, changes []Change) {
	d.withTopic(channel, func(t *Topic) (toWake uint64) {
		switch {
		case t.roster == nil:
		case !t.synced:
			t.roster.buffer(rosterDelta{prev, version, changes})
		default:
			toWake = d.applyDelta(t, rosterDelta{prev, version, changes})
		}
		return toWake
	})
}

// applyDelta applies changes to the version that they follow. The stripe is locked.
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
	return toWake | d.answerReached(t, delta.changes)
}

// answerReached answers the pending subscriptions of users that the roster of this node contains now: those of the changes, and those
// whom the cluster has confirmed with a version up to this one. The stripe is locked.
func (d *Directory) answerReached(t *Topic, changes []Change) (toWake uint64) {
	r := t.roster
	for _, c := range changes {
		if m := r.byKey[c.Key]; m != nil {
			toWake |= d.answerUser(m)
		}
	}
	n := 0
	for ; n < len(r.ahead) && r.ahead[n].sinceVersion <= r.version; n++ {
		toWake |= d.answerUser(r.ahead[n])
	}
	if r.ahead = r.ahead[n:]; len(r.ahead) == 0 {
		r.ahead = nil
	}
	return toWake
}

// rosterDelta is a list of changes that takes a roster from version prev to version.
type rosterDelta struct {
	prev, version uint64
	changes       []Change
}

// maxBuffered limits the deltas that are kept until the snapshot of the roster arrives. If more arrive, a version is
// missing afterwards, and the node reads the roster again.
const maxBuffered = 1000

// buffer keeps a delta that arrived before the snapshot.
func (r *roster) buffer(delta rosterDelta) {
	if len(r.buffered) < maxBuffered {
		r.buffered = append(r.buffered, delta)
	} else {
		r.buffered[maxBuffered-1] = delta
	}
}

// applyChange applies one change. The stripe is locked.
func (d *Directory) applyChange(t *Topic, c Change) (toWake uint64) {
	m := t.roster.getOrAdd(c.Key)
	m.nodes = c.Nodes
	if c.Nodes == 0 {
		return d.hideMember(t, m)
	}
	m.offlineAt = time.Time{}
	if len(c.Data) == 0 {
		return 0
	}
	id, err := NewIdentity(c.Data)
	if err != nil || id.Key != c.Key {
		return 0 // no node of ours sends that
	}
	if m.visible {
		t.roster.setIdentity(m, id)
		return 0
	}
	t.roster.show(m, id)
	return d.announceJoin(t, id)
}

// applySnapshot makes the visible roster equal to the cluster's and sends the differences to the subscribers. Local users
// that the cluster does not know of yet stay. The stripe is locked.
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

// detachRoster forgets what the cluster knows of this node's users. The stripe is locked.
func (d *Directory) detachRoster(t *Topic) (toWake uint64) {
	r := t.roster
	r.unsent, r.buffered, r.ahead, r.version = nil, nil, nil, 0
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
