package broadcast

import (
	"math"
	"slices"
	"sync"
	"time"
)

// pendingTimeout is how long a subscription waits for the cluster before it succeeds on this node alone.
const pendingTimeout = time.Second

// pendingSub is a subscription that waits until its channel is in sync. It is a Task: Run sends the reply on its loop.
type pendingSub struct {
	directory *Directory
	topic     *Topic
	sub       *Subscriber
	next      *pendingSub // in the list of sub; touched only on the loop

	// Guarded by the stripe.
	index    int // in topic.pending
	member   *Identity
	user     *member // that it waits for, on a presence channel; else nil
	place    int     // in user.pending
	requests int     // how often the client has sent pusher:subscribe
	posted   bool    // is in the mailbox of its loop
	expired  bool    // has waited for pendingTimeout
	done     bool    // is answered or cancelled
}

// pendingFor returns the pending subscription of s to channel, or nil.
func (s *Subscriber) pendingFor(channel []byte) *pendingSub {
	for p := s.pending; p != nil; p = p.next {
		if p.topic.Name == string(channel) {
			return p
		}
	}
	return nil
}

// addPending keeps a subscription until t is ready for it. The stripe is locked.
func (d *Directory) addPending(t *Topic, s *Subscriber, member *Identity) {
	p := &pendingSub{directory: d, topic: t, sub: s, next: s.pending, index: len(t.pending), member: member, requests: 1}
	s.pending = p
	t.pending = append(t.pending, p)
	p.waitFor(member)
	d.hub.deadlines.add(p, d.hub.now())
	d.markDirty(t)
}

// waitFor has p answered when the cluster's roster contains the user of id. The stripe is locked.
func (p *pendingSub) waitFor(id *Identity) {
	if p.topic.roster == nil || id == nil {
		return
	}
	p.leaveUser()
	p.user = p.topic.roster.getOrAdd(id.Key)
	p.place = len(p.user.pending)
	p.user.pending = append(p.user.pending, p)
}

// leaveUser removes p from its user. The last one takes its place. The stripe is locked.
func (p *pendingSub) leaveUser() {
	if p.user == nil {
		return
	}
	list, last := p.user.pending, len(p.user.pending)-1
	list[p.place] = list[last]
	list[p.place].place = p.place
	list[last] = nil
	if p.user.pending = list[:last]; last == 0 {
		p.user.pending = nil
	}
	p.user = nil
}

// repeatPending is for a client that sends pusher:subscribe again before the reply.
func (d *Directory) repeatPending(p *pendingSub, member *Identity) {
	d.hub.wake(d.repeatLocked(p, member), p.sub.loop)
}

func (d *Directory) repeatLocked(p *pendingSub, member *Identity) (toWake uint64) {
	st := p.topic.stripe
	st.mu.Lock()
	defer st.mu.Unlock()
	p.requests++
	if p.topic.roster != nil {
		toWake = d.changeIdentity(p.topic, p.member, member)
		p.waitFor(member)
	}
	p.member = member
	return toWake
}

// cancelPending removes a pending subscription. It runs on its loop.
func (d *Directory) cancelPending(p *pendingSub) {
	p.unlinkSubscriber()
	d.hub.wake(d.cancelLocked(p), p.sub.loop)
}

func (d *Directory) cancelLocked(p *pendingSub) (toWake uint64) {
	t := p.topic
	t.stripe.mu.Lock()
	defer t.stripe.mu.Unlock()
	p.unlinkTopic()
	if t.roster != nil && p.member != nil {
		toWake = d.removeLocal(t, p.member)
	}
	d.cleanUp(t)
	return toWake
}

// unlinkSubscriber removes p from the list of its subscriber.
func (p *pendingSub) unlinkSubscriber() {
	for link := &p.sub.pending; *link != nil; link = &(*link).next {
		if *link == p {
			*link = p.next
			return
		}
	}
}

// unlinkTopic removes p from its topic. The last one takes its place. The stripe is locked.
func (p *pendingSub) unlinkTopic() {
	p.done = true
	p.leaveUser()
	list, last := p.topic.pending, len(p.topic.pending)-1
	list[p.index] = list[last]
	list[p.index].index = p.index
	list[last] = nil
	if p.topic.pending = list[:last]; last == 0 {
		p.topic.pending = nil
	}
}

// Run sends the reply, if the topic is still ready for it.
func (p *pendingSub) Run() {
	unencoded, toWake := p.admit()
	if unencoded.topic == nil {
		return
	}
	p.unlinkSubscriber()
	p.directory.hub.wake(toWake, p.sub.loop)
	if p.topic.Kind.IsOnline() {
		p.directory.watching(p.sub)
		return
	}
	reply := unencoded.encode()
	for range p.requests {
		p.sub.Send(reply.Success)
		if reply.Last != nil {
			p.sub.Send(reply.Last)
		}
	}
}

// admit makes the subscriber one of the topic. There is no reply if the topic is not ready for it any longer.
func (p *pendingSub) admit() (reply unencodedReply, toWake uint64) {
	d, t := p.directory, p.topic
	t.stripe.mu.Lock()
	defer t.stripe.mu.Unlock()
	fault("admit")
	p.posted = false
	if p.done || !p.expired && !d.ready(t, p.member) {
		return reply, 0
	}
	p.unlinkTopic()
	return d.addSubscriber(t, p.sub, p.member)
}

// answer posts p to its loop if its topic is ready for it. The stripe is locked.
func (d *Directory) answer(p *pendingSub) (toWake uint64) {
	if p.posted || !p.expired && !d.ready(p.topic, p.member) {
		return 0
	}
	p.posted = true
	return d.hub.post(p.sub.loop.bit, job{task: p})
}

// answerUser answers the pending subscriptions of one user of a presence channel. The stripe is locked.
func (d *Directory) answerUser(m *member) (toWake uint64) {
	for _, p := range m.pending {
		toWake |= d.answer(p)
	}
	return toWake
}

// answerSlice is how many pending subscriptions are looked at before the stripe is unlocked for others.
const answerSlice = 512

// answerAll answers the pending subscriptions of a channel that is in sync now, or has lost the bus, some at a time. The stripe must not be
// locked. It goes backwards: only the last one ever moves, to a lower place, and those that are added meanwhile find the channel as it is.
func (d *Directory) answerAll(channel string) {
	for end, more := math.MaxInt, true; more; {
		d.withTopic(channel, func(t *Topic) (toWake uint64) {
			end = min(end, len(t.pending))
			begin := max(0, end-answerSlice)
			for _, p := range t.pending[begin:end] {
				toWake |= d.answer(p)
			}
			end = begin
			return toWake
		})
		more = end > 0 && end != math.MaxInt
	}
}

// deadlineQueue is the pending subscriptions in the order of their deadlines. Its lock is taken with a stripe locked.
type deadlineQueue struct {
	mu      sync.Mutex
	entries []deadline
}

type deadline struct {
	pending *pendingSub
	at      time.Time
}

func (q *deadlineQueue) add(p *pendingSub, now time.Time) {
	q.mu.Lock()
	q.entries = append(q.entries, deadline{p, now.Add(pendingTimeout)})
	q.mu.Unlock()
}

// take removes and returns the entries whose deadline has passed.
func (q *deadlineQueue) take(now time.Time) []deadline {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for n < len(q.entries) && !now.Before(q.entries[n].at) {
		n++
	}
	due := slices.Clone(q.entries[:n])
	q.entries = slices.Delete(q.entries, 0, n)
	if len(q.entries) == 0 {
		q.entries = nil
	}
	return due
}

// ExpirePending lets pending subscriptions whose deadline has passed succeed on this node alone. It must be called several
// times a second.
func (h *Hub) ExpirePending() {
	for _, due := range h.deadlines.take(h.now()) {
		h.wake(due.pending.expire(), nil)
	}
}

func (p *pendingSub) expire() (toWake uint64) {
	st := p.topic.stripe
	st.mu.Lock()
	defer st.mu.Unlock()
	p.expired = true
	if p.done {
		return 0
	}
	return p.directory.answer(p)
}
