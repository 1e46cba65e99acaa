package broadcast

import (
	"bytes"
	"slices"
	"time"

	"reverbd/protocol/pusher"
)

// Identity is the user of one connection on one presence channel. It never changes.
type Identity struct {
	Key  string // the user: the decoded user_id, so that 1 and "1" are one user
	Data []byte // channel_data as the app signed it
	ID   []byte // user_id of Data, as the raw JSON token
	Info []byte // user_info of Data, as raw JSON; nil if there is none
}

// NewIdentity parses channel_data, which it copies. The errors are those of pusher.ParseMember.
func NewIdentity(data []byte) (*Identity, error) {
	data = bytes.Clone(data)
	m, err := pusher.ParseMember(data)
	if err != nil {
		return nil, err
	}
	return &Identity{Key: string(m.Key), Data: data, ID: m.ID, Info: m.Info}, nil
}

// roster is the members of one presence channel. Guarded by the stripe.
type roster struct {
	members  []*member // visible members, in the order of joining
	byKey    map[string]*member
	version  uint64        // of the cluster's roster that members agrees with
	buffered []rosterDelta // deltas that arrived before their snapshot
	unsent   []*member     // members whose changes go into the next Update
	ahead    []*member     // members that the cluster has confirmed with a later version than this one, in the order of these

	text    pusher.Roster // encoded members, as far as it is kept; its Count tells whether it is up to date
	current *rosterReply  // for the roster as it is; nil if it has not been asked for, or is small
}

// member is one user. A member is visible while it has a connection to this node or to another one.
type member struct {
	key      string
	identity *Identity   // the identity that subscribers see; of one of the connections of the user
	local    []*Identity // identities of the connections to this node, in the order in which they subscribed
	visible  bool

	offlineAt time.Time // when the user of an OnlineChannel is going to be hidden; zero while it is not

	// The rest is used only with a bus.
	nodes         int       // number of nodes that the user is on, as the cluster last said
	registered    *Identity // what the cluster knows of the user on this node; nil: nothing
	sinceVersion  uint64    // the cluster's roster contains the user from that version on
	unregistering bool      // the cluster is being told that the user has left this node
	queued        bool      // is in roster.unsent
	pending       []*pendingSub
}

// getOrAdd returns the member of that key. A new one is neither visible nor local.
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

// show makes m visible with the identity id.
func (r *roster) show(m *member, id *Identity) {
	m.identity, m.visible = id, true
	r.members = append(r.members, m)
	r.appended(m)
}

// hide is the opposite of show.
func (r *roster) hide(m *member) {
	m.visible = false
	r.changed()
	if i := slices.Index(r.members, m); i >= 0 {
		r.members = slices.Delete(r.members, i, i+1)
	}
	r.prune(m)
}

// prune deletes m if it holds no state any longer.
func (r *roster) prune(m *member) {
	if !m.visible && len(m.local) == 0 && m.registered == nil && !m.unregistering && !m.queued {
		delete(r.byKey, m.key)
	}
}

// removeLocal removes the identity of one connection. If subscribers saw that identity, they see that of another
// connection from then on.
func (r *roster) removeLocal(m *member, id *Identity) {
	if i := slices.Index(m.local, id); i >= 0 {
		m.local = slices.Delete(m.local, i, i+1)
	}
	if m.identity == id && len(m.local) > 0 {
		r.setIdentity(m, m.local[0])
	}
}

// setIdentity changes what subscribers see of m.
func (r *roster) setIdentity(m *member, id *Identity) {
	if !bytes.Equal(m.identity.Data, id.Data) {
		r.changed()
	}
	m.identity = id
}

// replaceIdentity changes what a connection says of its user.
func (r *roster) replaceIdentity(old, id *Identity) {
	m := r.byKey[old.Key]
	if i := slices.Index(m.local, old); i >= 0 {
		m.local[i] = id
	}
	if m.identity == old {
		r.setIdentity(m, id)
	}
}

// markUnsent puts m into the next Update.
func (r *roster) markUnsent(m *member) {
	if !m.queued {
		m.queued = true
		r.unsent = append(r.unsent, m)
	}
}

// ids returns the user_id of every visible member, as raw JSON, in order.
func (r *roster) ids() [][]byte {
	ids := make([][]byte, len(r.members))
	for i, m := range r.members {
		ids[i] = m.identity.ID
	}
	return ids
}

// sort brings the visible members into the cluster's order, by rank. Members without a rank stay behind the others in
// their order.
func (r *roster) sort(rank map[*member]int) {
	r.changed()
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
