package broadcast

import (
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
	member   *Identity
	requests int  // how often the client has sent pusher:subscribe
	posted   bool // is in the mailbox of its loop
	expired  bool // has waited for pendingTimeout
	done     bool // is answered or cancelled
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
	p := &pendingSub{directory: d, topic: t, sub: s, next: s.pending, member: member, requests: 1}
	s.pending = p
	t.pending = append(t.pending, p)
	d.hub.deadlines.add(p, d.hub.now())
	d.markDirty(t)
}

// repeatPending is for a client that sends pusher:subscribe again before the reply.
func (d *Directory) repeatPending(p *pendingSub, member *Identity) {
	st := p.topic.stripe
	st.mu.Lock()
	p.requests++
	var toWake uint64
	if p.topic.roster != nil {
		toWake = d.changeIdentity(p.topic, p.member, member)
	}
	p.member = member
	st.mu.Unlock()
	d.hub.wake(toWake, p.sub.loop)
}

// cancelPending removes a pending subscription. It runs on its loop.
func (d *Directory) cancelPending(p *pendingSub) {
	p.unlinkSubscriber()
	t := p.topic
	t.stripe.mu.Lock()
	var toWake uint64
	p.unlinkTopic()
	if t.roster != nil {
		toWake = d.removeLocal(t, p.member)
	}
	d.cleanUp(t)
	t.stripe.mu.Unlock()
	d.hub.wake(toWake, p.sub.loop)
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

// unlinkTopic removes p from its topic. The stripe is locked.
func (p *pendingSub) unlinkTopic() {
	p.done = true
	if i := slices.Index(p.topic.pending, p); i >= 0 {
		p.topic.pending = slices.Delete(p.topic.pending, i, i+1)
	}
	if len(p.topic.pending) == 0 {
		p.topic.pending = nil
	}
}

// Run sends the reply, if the topic is still ready for it.
func (p *pendingSub) Run() {
	d, t, s := p.directory, p.topic, p.sub
	t.stripe.mu.Lock()
	p.posted = false
	if p.done || !p.expired && !d.ready(t, p.member) {
		t.stripe.mu.Unlock()
		return
	}
	p.unlinkTopic()
	reply, toWake := d.addSubscriber(t, s, p.member)
	t.stripe.mu.Unlock()
	p.unlinkSubscriber()
	d.hub.wake(toWake, s.loop)
	for range p.requests {
		s.Send(reply.Success)
		if reply.Last != nil {
			s.Send(reply.Last)
		}
	}
}

// answerPending posts those pending subscriptions of t that are ready to their loops. The stripe is locked.
func (d *Directory) answerPending(t *Topic) (toWake uint64) {
	for _, p := range t.pending {
		if !p.posted && (p.expired || d.ready(t, p.member)) {
			p.posted = true
			toWake |= d.hub.post(p.sub.loop.bit, job{task: p})
		}
	}
	return toWake
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
		p := due.pending
		st := p.topic.stripe
		st.mu.Lock()
		p.expired = true
		var toWake uint64
		if !p.done {
			toWake = p.directory.answerPending(p.topic)
		}
		st.mu.Unlock()
		h.wake(toWake, nil)
	}
}
