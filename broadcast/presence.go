package broadcast

import (
	"reverbd/protocol/pusher"
)

// Identity is who one connection is on one presence channel. It never changes.
type Identity struct {
	Key  string // the user: the decoded user_id, so that 1 and "1" are one user
	ID   []byte // user_id as the raw JSON token that the app signed
	Info []byte // user_info as raw JSON; nil when there is none
	conn pusher.SocketID
}

// NewIdentity copies m, whose slices belong to a read buffer.
func NewIdentity(m pusher.Member, conn pusher.SocketID) *Identity {
	raw := make([]byte, 0, len(m.ID)+len(m.Info))
	raw = append(raw, m.ID...)
	raw = append(raw, m.Info...)
	id := &Identity{Key: string(m.Key), ID: raw[:len(m.ID):len(m.ID)], conn: conn}
	if m.Info != nil {
		id.Info = raw[len(m.ID):]
	}
	return id
}

// roster is the members of one presence channel in the order in which they joined. The stripe is held.
type roster struct {
	members []*member
	byKey   map[string]*member
}

// member is one user, by all connections with which he is here. The first speaks for him.
type member struct{ identities []*Identity }

// join adds one connection and reports whether its user was not here before.
func (r *roster) join(id *Identity) (added bool) {
	if m := r.byKey[id.Key]; m != nil {
		m.identities = append(m.identities, id)
		return false
	}
	if r.byKey == nil {
		r.byKey = make(map[string]*member)
	}
	m := &member{identities: []*Identity{id}}
	r.byKey[id.Key] = m
	r.members = append(r.members, m)
	return true
}

// leave removes one connection and reports whether its user is gone with it.
func (r *roster) leave(id *Identity) (removed bool) {
	m := r.byKey[id.Key]
	if m == nil {
		return false
	}
	for i, other := range m.identities {
		if other == id {
			m.identities = append(m.identities[:i], m.identities[i+1:]...)
			break
		}
	}
	if len(m.identities) > 0 {
		return false
	}
	delete(r.byKey, id.Key)
	for i, other := range r.members {
		if other == m {
			r.members = append(r.members[:i], r.members[i+1:]...)
			break
		}
	}
	return true
}

// replace lets a connection say something else of the same user.
func (r *roster) replace(old, id *Identity) {
	for i, other := range r.byKey[old.Key].identities {
		if other == old {
			r.byKey[old.Key].identities[i] = id
		}
	}
}

// ids returns the user_id of every member, as raw JSON, in order.
func (r *roster) ids() [][]byte {
	ids := make([][]byte, len(r.members))
	for i, m := range r.members {
		ids[i] = m.identities[0].ID
	}
	return ids
}

// all yields every member, as the connection that speaks for him said it.
func (r *roster) all(yield func(pusher.Member) bool) {
	for _, m := range r.members {
		if id := m.identities[0]; !yield(pusher.Member{ID: id.ID, Info: id.Info}) {
			return
		}
	}
}
