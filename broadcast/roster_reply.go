package broadcast

import (
	"sync"

	"reverbd/protocol/pusher"
)

// sharedRoster is the number of members from which the encoded roster is kept: a smaller one is encoded faster than it is looked after.
const sharedRoster = 32

// rosterReply is the reply to subscribers of a presence channel, with the roster as it was when a stripe was locked. It is encoded
// without a lock, once for all who get it: that of 10,000 members is a megabyte.
type rosterReply struct {
	channel string
	members []*Identity   // in order; nil if text was known
	text    pusher.Roster // of the members
	once    sync.Once
	frame   Frame
}

// reply returns the reply with the roster as it is. The stripe is locked.
func (r *roster) reply(channel string) *rosterReply {
	if r.current != nil {
		return r.current
	}
	s := &rosterReply{channel: channel}
	if r.text.Count() == len(r.members) {
		s.text = r.text
	} else {
		s.members = make([]*Identity, len(r.members))
		for i, m := range r.members {
			s.members[i] = m.identity
		}
	}
	if len(r.members) >= sharedRoster {
		r.current = s
	}
	return s
}

// appended keeps the text of the roster up to date when a member has been appended. The stripe is locked.
func (r *roster) appended(m *member) {
	r.current = nil
	if n := len(r.members); n > sharedRoster && r.text.Count() == n-1 {
		r.text.Append(m.identity.member())
	}
}

// changed says that the roster has changed other than by appended. The stripe is locked.
func (r *roster) changed() { r.current, r.text = nil, pusher.Roster{} }

// encode returns the frame. No lock may be held. Safe for concurrent use.
func (s *rosterReply) encode() Frame {
	s.once.Do(func() {
		for _, id := range s.members {
			s.text.Append(id.member())
		}
		s.frame = SealText(pusher.AppendPresenceSucceeded(TextBuffer(s.text.Size()+len(s.channel)), s.channel, &s.text))
	})
	return s.frame
}

// keep keeps the text of a reply that has been encoded, if the roster of t has not changed meanwhile.
func (s *rosterReply) keep(t *Topic) {
	if len(s.members) < sharedRoster {
		return
	}
	t.stripe.mu.Lock()
	defer t.stripe.mu.Unlock()
	if t.roster.current == s && t.roster.text.Count() != len(s.members) {
		t.roster.text = s.text
	}
}

func (id *Identity) member() pusher.Member { return pusher.Member{ID: id.ID, Info: id.Info} }
