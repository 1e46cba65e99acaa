package broadcast

import "reverbd/protocol/pusher"

// What the bus calls when it has learnt something of the other nodes. All of it is safe for concurrent use, but calls that
// concern one channel must come in the order in which things happened.

// clustered reports that there are other nodes, and that they can be reached.
func (h *Hub) clustered() bool { return h.bus != nil && h.connected.Load() }

// ready reports whether a subscription to t may be answered now. The stripe is held.
func (d *Directory) ready(t *Topic, member *Identity) bool {
	if !d.hub.clustered() {
		return true
	}
	if !t.heard || member == nil {
		return t.heard
	}
	m := t.roster.at(member.Key)
	return m.shown && m.told != nil && !m.leaving && m.asOf <= t.roster.version
}

// watch has the bus look at t. The stripe is held.
func (d *Directory) watch(t *Topic) {
	if d.hub.clustered() && !t.watched {
		t.watched = true
		d.hub.bus.Watch(d, t.Name)
	}
}

// tell has the cluster told of m, who has come to this node or left it. The stripe is held.
func (d *Directory) tell(t *Topic, m *member) {
	if d.hub.clustered() {
		t.roster.tell(m)
		d.watch(t)
	}
}

// within calls f with the topic of the channel, if there is one, while its stripe is held, and wakes the loops that f says.
func (d *Directory) within(channel string, f func(*Topic) (asleep uint64)) {
	st := d.stripe([]byte(channel))
	st.mu.Lock()
	var asleep uint64
	if t := st.topics[channel]; t != nil {
		asleep = f(t)
	}
	st.mu.Unlock()
	d.hub.wake(asleep, nil)
}

// Work returns what this node wants of a channel now. Joins and Leaves count as told from then on: whoever asks must see to it that the
// cluster learns of them and call Heard, Told or Refused, before it asks about the channel again.
func (d *Directory) Work(channel string) (w Work) {
	d.within(channel, func(t *Topic) uint64 {
		t.watched = false
		w.Wanted, w.Heard = t.wanted(), t.heard
		if t.roster == nil {
			return 0
		}
		untold := t.roster.untold
		t.roster.untold = nil
		for _, m := range untold {
			m.queued = false
			switch {
			case len(m.here) == 0 && m.told != nil:
				m.leaving = true
				w.Leaves = append(w.Leaves, m.key)
			case len(m.here) > 0 && m.told != m.here[0]:
				if m.told == nil {
					m.asOf = unknownVersion
				}
				m.told = m.here[0]
				w.Joins = append(w.Joins, m.told)
			default:
				t.roster.drop(m)
			}
		}
		return 0
	})
	return w
}

// Wants reports whether somebody here listens to the channel.
func (d *Directory) Wants(channel string) (wanted bool) {
	d.within(channel, func(t *Topic) uint64 {
		t.watched = false
		wanted = t.wanted()
		return 0
	})
	return wanted
}

// Owes reports whether the cluster has yet to be told that somebody has left the channel.
func (d *Directory) Owes(channel string) (owes bool) {
	d.within(channel, func(t *Topic) uint64 {
		owes = t.indebted()
		return 0
	})
	return owes
}

// unknownVersion is that of a roster which the cluster has not confirmed yet.
const unknownVersion = ^uint64(0)

// Standing is how things stood on a channel when this node began to hear it.
type Standing struct {
	Version uint64          // of the roster
	Members []Member        // of a presence channel
	Last    Frame           // the last event of a cache channel, nil if there is none
	Order   uint64          // its place among all of the channel
	Mine    bool            // and this node has published it
	Except  pusher.SocketID // the connection that it leaves out; 0: none
}

// Heard says that this node hears the channel from now on, and how things stood when it began to. The members of w were told before that.
func (d *Directory) Heard(channel string, s Standing, w Work) {
	d.within(channel, func(t *Topic) (asleep uint64) {
		t.heard = true
		if t.roster != nil {
			d.settleDebts(t, w, s.Version)
			asleep = d.compare(t, s)
			early := t.roster.early
			t.roster.early = nil
			for _, e := range early {
				asleep |= d.advance(t, e)
			}
		}
		t.cacheSince = s.Order
		if t.Kind.IsCache() && s.Order > t.cacheOrder {
			t.cacheOrder = s.Order
			d.remember(t, s.Last)
			if t.loops != 0 && !s.Mine { // they were here while the cluster could not be reached
				t.seq++
				asleep |= d.hub.post(t.loops, job{topic: t, seq: t.seq, frame: s.Last, except: s.Except})
			}
		}
		asleep |= d.release(t)
		d.tidy(t)
		return asleep
	})
}

// Told says that the cluster has been told of w. The roster has it from that version on.
func (d *Directory) Told(channel string, w Work, version uint64) {
	d.within(channel, func(t *Topic) (asleep uint64) {
		d.settleDebts(t, w, version)
		asleep = d.release(t)
		d.tidy(t)
		return asleep
	})
}

// Refused says that the cluster could not be told of w: it has to be tried again.
func (d *Directory) Refused(channel string, w Work) {
	d.within(channel, func(t *Topic) uint64 {
		for _, id := range w.Joins {
			m := t.roster.at(id.Key)
			if m.asOf == unknownVersion {
				m.told = nil
			}
			t.roster.tell(m)
		}
		for _, key := range w.Leaves {
			m := t.roster.at(key)
			m.leaving = false
			t.roster.tell(m)
		}
		return 0
	})
}

// settleDebts notes that the cluster knows of w. The stripe is held.
func (d *Directory) settleDebts(t *Topic, w Work, version uint64) {
	for _, id := range w.Joins {
		m := t.roster.at(id.Key)
		if m.asOf == unknownVersion {
			m.asOf = version
		}
		if len(m.here) == 0 || m.here[0] != m.told {
			d.tell(t, m)
		}
	}
	for _, key := range w.Leaves {
		m := t.roster.at(key)
		m.told, m.leaving = nil, false
		if len(m.here) > 0 {
			d.tell(t, m)
		}
		t.roster.drop(m)
	}
}

// Changed brings changes of a channel's roster, which take it from version prev to version. A node that missed the one before asks for
// the whole roster.
func (d *Directory) Changed(channel string, prev, version uint64, changes []Change) {
	d.within(channel, func(t *Topic) (asleep uint64) {
		switch {
		case t.roster == nil:
		case !t.heard:
			t.roster.keep(early{prev, version, changes})
		default:
			asleep = d.advance(t, early{prev, version, changes}) | d.release(t)
		}
		return asleep
	})
}

// advance applies changes to the roster that they follow on. The stripe is held.
func (d *Directory) advance(t *Topic, e early) (asleep uint64) {
	r := t.roster
	switch {
	case e.version <= r.version:
		return 0
	case e.prev != r.version:
		t.heard = false
		d.watch(t)
		return 0
	}
	r.version = e.version
	for _, c := range e.changes {
		asleep |= d.change(t, c)
	}
	return asleep
}

// early is changes that have come before the roster which they change.
type early struct {
	prev, version uint64
	changes       []Change
}

// maxEarly bounds the changes that wait for their roster. If more come, the roster is asked for once more.
const maxEarly = 1000

func (r *roster) keep(e early) {
	if len(r.early) < maxEarly {
		r.early = append(r.early, e)
	} else {
		r.early[maxEarly-1] = e
	}
}

// change applies one change. The stripe is held.
func (d *Directory) change(t *Topic, c Change) (asleep uint64) {
	m := t.roster.at(c.Key)
	m.nodes = c.Nodes
	if c.Nodes == 0 {
		return d.expel(t, m)
	}
	if len(c.Data) == 0 {
		return 0
	}
	id, err := NewIdentity(c.Data)
	if err != nil || id.Key != c.Key {
		return 0 // nobody of ours has said that
	}
	if m.shown {
		m.identity = id
		return 0
	}
	t.roster.show(m, id)
	return d.announce(t, memberAdded(t.Name, id.Data))
}

// compare makes the shown roster the cluster's, and has everybody told of the differences. Who is here and not yet told to the
// cluster stays. The stripe is held.
func (d *Directory) compare(t *Topic, s Standing) (asleep uint64) {
	r := t.roster
	r.version = s.Version
	place := make(map[*member]int, len(s.Members))
	for i, c := range s.Members {
		place[r.at(c.Key)] = i
	}
	for i := len(r.members) - 1; i >= 0; i-- {
		m := r.members[i]
		if _, ok := place[m]; !ok {
			m.nodes = 0
			if len(m.here) == 0 || m.told != nil {
				asleep |= d.expel(t, m)
			}
		}
	}
	for _, c := range s.Members {
		asleep |= d.change(t, c)
	}
	r.sort(place)
	return asleep
}

// Forgo asks whether the channel need not be heard any longer. If so, this node counts as deaf to it from now on.
func (d *Directory) Forgo(channel string) (deaf bool) {
	deaf = true
	d.within(channel, func(t *Topic) uint64 {
		deaf = !t.wanted() && !t.indebted()
		if deaf {
			t.heard = false
		}
		return 0
	})
	return deaf
}

// Confirm says which place an event of this node, on a cache channel, has among all events of that channel.
func (d *Directory) Confirm(channel string, f Frame, order uint64) {
	d.within(channel, func(t *Topic) uint64 {
		if order > t.cacheOrder {
			t.cacheOrder = order
			d.remember(t, f)
		}
		return 0
	})
}

// Joined says that the bus reaches the other nodes. It is told anew of everything that this node wants.
func (h *Hub) Joined() {
	h.connected.Store(true)
	h.everywhere(func(d *Directory, t *Topic) uint64 {
		if t.roster != nil {
			for _, m := range t.roster.byKey {
				if len(m.here) > 0 {
					t.roster.tell(m)
				}
			}
		}
		if t.wanted() {
			d.watch(t)
		}
		return 0
	})
}

// Parted says that the bus does not reach the other nodes any longer. Until Joined this node is one of its own, with the members of the others
// as they were.
func (h *Hub) Parted() {
	h.connected.Store(false)
	h.everywhere(func(d *Directory, t *Topic) (asleep uint64) {
		t.heard, t.watched = false, false
		if t.roster != nil {
			asleep = d.partRoster(t)
		}
		asleep |= d.release(t)
		d.tidy(t)
		return asleep
	})
}

// partRoster forgets what the cluster knows of this node. The stripe is held.
func (d *Directory) partRoster(t *Topic) (asleep uint64) {
	r := t.roster
	r.untold, r.early, r.version = nil, nil, 0
	for _, m := range r.byKey {
		if m.told != nil && m.nodes > 0 && m.asOf != unknownVersion {
			m.nodes--
		}
		m.told, m.asOf, m.leaving, m.queued = nil, 0, false, false
		if len(m.here) == 0 && m.nodes == 0 {
			asleep |= d.expel(t, m)
		}
	}
	return asleep
}

// everywhere calls f for every topic of every app, with its stripe held.
func (h *Hub) everywhere(f func(*Directory, *Topic) (asleep uint64)) {
	for _, d := range h.all() {
		for i := range d.stripes {
			st := &d.stripes[i]
			var asleep uint64
			st.mu.Lock()
			for _, t := range st.topics {
				asleep |= f(d, t)
			}
			st.mu.Unlock()
			h.wake(asleep, nil)
		}
	}
}
