package broadcast

import (
	"slices"
	"time"

	"reverbd/protocol/pusher"
)

// Who is signed in, who is online, and who watches whom.
//
// A user is online while a connection on any node is signed in as it. The nodes share that as they share presence: each user has a
// channel of its own (pusher.OnlineChannel), whose roster has the user in it. Signed-in connections are members of the roster and get
// nothing of the channel; connections that watch the user are its subscribers. So a change costs what its watchers cost, a node hears
// of the users that are watched there, and the users of a node that dies leave.

// offlineDelay is how long a user stays online without a connection: a page that is loaded again is no absence.
const offlineDelay = 3 * time.Second

// signedIn is what a loop keeps of a connection that has signed in.
type signedIn struct {
	member  *Identity // on presence channels
	online  *Identity // in the roster of its OnlineChannel
	topic   *Topic    // of that channel
	watches int       // subscriptions to OnlineChannels of others, pending ones included
	waiting int       // watched users of whom it is not known yet whether they are online
}

// SignIn makes member the user of s, which watches these other users. Once it is known of all of them whether they are online, s is told.
// It runs on the loop of s.
func (d *Directory) SignIn(s *Subscriber, member *Identity, watched []string) {
	l := s.loop
	if old := l.users[s]; old != nil {
		if old.member.Key != member.Key {
			d.Unsubscribe(s, []byte(pusher.ServerToUserChannel(old.member.Key)))
		}
		d.signOut(s)
	}
	online := &Identity{Key: member.Key, ID: member.ID, Data: append(append([]byte(`{"user_id":`), member.ID...), '}')}
	if l.users == nil {
		l.users = make(map[*Subscriber]*signedIn)
	}
	u := &signedIn{member: member, online: online, topic: d.goOnline(l, online), watches: len(watched)}
	l.users[s] = u
	for _, user := range watched {
		if d.watch(s, user) {
			u.waiting++
		}
	}
	if len(watched) > 0 && u.waiting == 0 {
		d.reportWatched(s)
	}
}

// User is the user that s has signed in as, nil if it has not.
func (s *Subscriber) User() *Identity {
	if s.dead {
		return nil
	}
	if u := s.loop.users[s]; u != nil {
		return u.member
	}
	return nil
}

// goOnline adds a connection of a user to the roster of its OnlineChannel. It runs on loop l.
func (d *Directory) goOnline(l *Loop, id *Identity) *Topic {
	t, toWake := d.goOnlineLocked(id)
	d.hub.wake(toWake, l)
	return t
}

func (d *Directory) goOnlineLocked(id *Identity) (t *Topic, toWake uint64) {
	name := []byte(pusher.OnlineChannel(id.Key))
	st := d.stripe(name)
	st.mu.Lock()
	defer st.mu.Unlock()
	t = st.topic(name, pusher.KindOf(name))
	d.addLocal(t, id)
	if m := t.roster.getOrAdd(id.Key); m.visible {
		m.offlineAt = time.Time{}
	} else {
		t.roster.show(m, id)
		toWake = d.announceJoin(t, id)
	}
	t.subscribers++
	return t, toWake
}

// signOut ends what SignIn began. It runs on the loop of s.
func (d *Directory) signOut(s *Subscriber) {
	u := s.loop.users[s]
	if u == nil {
		return
	}
	delete(s.loop.users, s)
	if len(s.loop.users) == 0 {
		s.loop.users = nil
	}
	d.hub.wake(d.removeSubscriber(u.topic, s.loop, false, u.online), s.loop)
	d.unwatch(s)
}

// watch makes s a subscriber of the OnlineChannel of a user. It reports whether that has to wait for the cluster.
func (d *Directory) watch(s *Subscriber, user string) (waits bool) {
	name := []byte(pusher.OnlineChannel(user))
	st := d.stripe(name)
	st.mu.Lock()
	defer st.mu.Unlock()
	t := st.topic(name, pusher.KindOf(name))
	if !d.ready(t, nil) {
		d.addPending(t, s, nil)
		return true
	}
	d.addSubscriber(t, s, nil)
	return false
}

// unwatch ends all that watch has begun.
func (d *Directory) unwatch(s *Subscriber) {
	for slot := int32(len(s.subs)) - 1; slot >= 0; slot-- {
		if s.subs[slot].group.topic.Kind.IsOnline() {
			d.unsubscribeSlot(s, slot)
		}
	}
	for p := s.pending; p != nil; {
		next := p.next
		if p.topic.Kind.IsOnline() {
			d.cancelPending(p)
		}
		p = next
	}
}

// watching is called when the cluster is known to be heard on the channel of one more watched user.
func (d *Directory) watching(s *Subscriber) {
	if u := s.loop.users[s]; u != nil {
		if u.waiting--; u.waiting == 0 {
			d.reportWatched(s)
		}
	}
}

// reportWatched tells s which of the users that it watches are online, and has it hear of the changes from then on: until now its
// subscriptions have let nothing pass.
func (d *Directory) reportWatched(s *Subscriber) {
	var online, offline []string
	for i := range s.subs {
		sub := &s.subs[i]
		t := sub.group.topic
		if !t.Kind.IsOnline() {
			continue
		}
		if t.isOnline(&sub.group.entries[sub.index].since) {
			online = append(online, pusher.OnlineUser(t.Name))
		} else {
			offline = append(offline, pusher.OnlineUser(t.Name))
		}
	}
	s.Send(watchlistEvents(online, offline))
}

// isOnline reports whether the user of an OnlineChannel is online, and stores after which job of the channel.
func (t *Topic) isOnline(since *uint64) bool {
	t.stripe.mu.Lock()
	defer t.stripe.mu.Unlock()
	*since = t.seq
	return len(t.roster.members) > 0
}

// goOffline hides the user of an OnlineChannel after offlineDelay, unless it comes back. The stripe is locked.
func (d *Directory) goOffline(t *Topic, m *member) {
	if !m.offlineAt.IsZero() {
		return
	}
	at := d.hub.now().Add(offlineDelay)
	m.offlineAt = at
	d.hub.after(offlineDelay, func() { d.hub.wake(d.stayedOffline(t, m, at), nil) })
}

// stayedOffline ends what goOffline began at that time, if nothing has come in between.
func (d *Directory) stayedOffline(t *Topic, m *member, at time.Time) (toWake uint64) {
	t.stripe.mu.Lock()
	defer t.stripe.mu.Unlock()
	if m.offlineAt.Equal(at) {
		m.offlineAt = time.Time{}
		toWake = d.hideNow(t, m)
		d.cleanUpAbsent(t)
	}
	return toWake
}

// cleanUpAbsent deletes t if nothing keeps it and it has not been deleted already. The stripe is locked.
func (d *Directory) cleanUpAbsent(t *Topic) {
	if t.stripe.topics[t.Name] == t {
		d.cleanUp(t)
	}
}

// announceJoin tells the subscribers of t of a user who has come, by the event that they expect. The stripe is locked.
func (d *Directory) announceJoin(t *Topic, id *Identity) (toWake uint64) {
	if t.Kind.IsOnline() {
		return d.announce(t, watchlistEvents([]string{id.Key}, nil))
	}
	return d.announce(t, memberAdded(t.Name, id.Data))
}

// announceLeave is the opposite of announceJoin.
func (d *Directory) announceLeave(t *Topic, id *Identity) (toWake uint64) {
	if t.Kind.IsOnline() {
		return d.announce(t, watchlistEvents(nil, []string{id.Key}))
	}
	return d.announce(t, memberRemoved(t.Name, id.ID))
}

// UserInfo is what is known of a user's connections.
type UserInfo struct {
	Connections int
	Channels    []string // that any of them is subscribed to, sorted
}

// UserInfo describes the connections of a user on all nodes: those that have signed in as it, and those that are it on a presence
// channel. Like all queries it waits, so it must not be called on a loop.
func (d *Directory) UserInfo(user string) UserInfo {
	all := d.localUser(user)
	for _, f := range d.queryPeers(Query{User: user}) {
		all.Connections += f.User.Connections
		all.Channels = append(all.Channels, f.User.Channels...)
	}
	slices.Sort(all.Channels)
	all.Channels = slices.Compact(all.Channels)
	return all
}

// userQueryTimeout is how long localUser waits for a loop that does not answer.
const userQueryTimeout = 500 * time.Millisecond

func (d *Directory) localUser(user string) (all UserInfo) {
	answers := make(chan UserInfo, len(d.hub.loops))
	asked := 0
	for _, l := range d.hub.loops {
		if l.connectionCount.Load() > 0 {
			l.Post(&userQuery{loop: l, directory: d, user: user, answers: answers})
			asked++
		}
	}
	timeout := time.After(userQueryTimeout)
	for ; asked > 0; asked-- {
		select {
		case one := <-answers:
			all.Connections += one.Connections
			all.Channels = append(all.Channels, one.Channels...)
		case <-timeout:
			return all
		}
	}
	return all
}

// userQuery looks for the connections of a user on one loop.
type userQuery struct {
	loop      *Loop
	directory *Directory
	user      string
	found     UserInfo
	answers   chan<- UserInfo // has room
}

// Run implements Task.
func (q *userQuery) Run() {
	q.loop.subscribers.Walk(q.loop, func(s *Subscriber) {
		if s.directory != q.directory || !s.isUser(q.user) {
			return
		}
		q.found.Connections++
		for i := range s.subs {
			if t := s.subs[i].group.topic; !t.Kind.IsOnline() {
				q.found.Channels = append(q.found.Channels, t.Name)
			}
		}
	})
	q.loop.Walk(func() bool {
		q.answers <- q.found
		return false
	})
}
