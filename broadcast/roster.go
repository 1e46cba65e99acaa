package broadcast

import (
	"bytes"
	"slices"

	"reverbd/protocol/pusher"
)

// Identity is who one connection is on one presence channel. It never changes.
type Identity struct {
	Key  string // the user: the decoded user_id, so that 1 and "1" are one user
	Data []byte // channel_data as the app signed it
	ID   []byte // user_id in it, as the raw JSON token
	Info []byte // user_info in it, as raw JSON; nil when there is none
}

// NewIdentity reads channel_data, which it copies. The errors are those of pusher.ParseMember.
func NewIdentity(data []byte) (*Identity, error) {
	data = bytes.Clone(data)
	m, err := pusher.ParseMember(data)
	if err != nil {
		return nil, err
	}
	return &Identity{Key: string(m.Key), Data: data, ID: m.ID, Info: m.Info}, nil
}

// roster is the members of one presence channel. The stripe is held.
type roster struct {
	members  []*member // who is shown, in the order in which they joined
	byKey    map[string]*member
	version  uint64        // of the cluster's roster that members shows
	buffered []rosterDelta // changes that came before the roster that they belong to
	unsent   []*member     // with whom something is to be told to the bus
}

// member is one user. He is shown while he is here or on any other node.
type member struct {
	key      string
	identity *Identity   // speaks for him while he is shown
	local    []*Identity // his connections to this node, in the order in which they came
	visible  bool

	// On one of several nodes only.
	nodes         int       // that he is on, as the cluster last said
	registered    *Identity // what the cluster knows of him on this node; nil: that he is not
	sinceVersion  uint64    // the roster has him from that version on
	unregistering bool      // the cluster is being told that he is not here any longer
	queued        bool      // is in untold
}

// at returns the member of that key, who may be neither shown nor here yet.
func (r *roster) getOrAdd(key string) *member {
	if m := r.byKey[key]; m != nil {
		return m
	}
	if r.byKey == nil {
		r.byKey = make(map[string]*member)
	}
	m := &member{key: key}
	r.byKey[key] = m
	return m
}

// show makes m visible, spoken for by id.
func (r *roster) show(m *member, id *Identity) {
	m.identity, m.visible = id, true
	r.members = append(r.members, m)
}

// hide is the opposite of show.
func (r *roster) hide(m *member) {
	m.visible = false
	if i := slices.Index(r.members, m); i >= 0 {
		r.members = slices.Delete(r.members, i, i+1)
	}
	r.prune(m)
}

// drop forgets m if nothing is left to be known of him.
func (r *roster) prune(m *member) {
	if !m.visible && len(m.local) == 0 && m.registered == nil && !m.unregistering && !m.queued {
		delete(r.byKey, m.key)
	}
}

// leave takes one connection off its user, and lets another one speak for him if it did.
func (m *member) removeLocal(id *Identity) {
	if i := slices.Index(m.local, id); i >= 0 {
		m.local = slices.Delete(m.local, i, i+1)
	}
	if m.identity == id && len(m.local) > 0 {
		m.identity = m.local[0]
	}
}

// replace lets a connection say something else of the same user.
func (r *roster) replaceIdentity(old, id *Identity) {
	m := r.byKey[old.Key]
	if i := slices.Index(m.local, old); i >= 0 {
		m.local[i] = id
	}
	if m.identity == old {
		m.identity = id
	}
}

// tell has the bus told of m.
func (r *roster) markUnsent(m *member) {
	if !m.queued {
		m.queued = true
		r.unsent = append(r.unsent, m)
	}
}

// ids returns the user_id of every member, as raw JSON, in order.
func (r *roster) ids() [][]byte {
	ids := make([][]byte, len(r.members))
	for i, m := range r.members {
		ids[i] = m.identity.ID
	}
	return ids
}

// all yields every member, as the connection that speaks for him said it.
func (r *roster) all(yield func(pusher.Member) bool) {
	for _, m := range r.members {
		if !yield(pusher.Member{ID: m.identity.ID, Info: m.identity.Info}) {
			return
		}
	}
}

// sort brings the members into the cluster's order. Those it does not know stay behind the others, as they were.
func (r *roster) sort(rank map[*member]int) {
	slices.SortStableFunc(r.members, func(a, b *member) int {
		i, known := rank[a]
		j, other := rank[b]
		switch {
		case known && other:
			return i - j
		case known:
			return -1
		case other:
			return 1
		}
		return 0
	})
}
