package broadcast

// BusConnected says that the bus reaches the other nodes. Every channel that this node has subscribers of, and every local
// user, goes into the dirty set.
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

// BusDisconnected says that the bus does not reach the other nodes any longer. Until BusConnected this node works alone;
// the members of other nodes stay in its rosters as they were.
func (h *Hub) BusDisconnected() {
	h.busConnected.Store(false)
	type channel struct {
		directory *Directory
		name      string
	}
	var pending []channel
	h.eachTopic(func(d *Directory, t *Topic) (toWake uint64) {
		t.synced, t.dirty = false, false
		if t.roster != nil {
			toWake = d.detachRoster(t)
		}
		if len(t.pending) > 0 {
			pending = append(pending, channel{d, t.Name})
		}
		d.cleanUp(t)
		return toWake
	})
	for _, c := range pending {
		c.directory.answerAll(c.name)
	}
}

// eachTopic calls f for every topic of every app, with its stripe locked, and wakes the loops that f returns.
func (h *Hub) eachTopic(f func(*Directory, *Topic) (toWake uint64)) {
	for _, d := range h.Directories() {
		var toWake uint64
		d.eachStripe(func(st *stripe) {
			for _, t := range st.topics {
				toWake |= f(d, t)
			}
		})
		h.wake(toWake, nil)
	}
}
