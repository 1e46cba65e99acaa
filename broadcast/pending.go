package broadcast

import (
	"slices"
	"sync"
	"time"
)

// patienceTime is how long a subscription waits for the cluster before it succeeds on this node alone.
const pendingTimeout = time.Second

// waiter is a subscription that waits until this node hears its channel. It is a Task: Run answers it on its loop.
type pendingSub struct {
	directory *Directory
	topic     *Topic
	sub       *Subscriber
	next      *pendingSub // in the list of sub, which belongs to the loop

	// Guarded by the stripe.
	member   *Identity
	requests int  // how often the client has asked
	posted   bool // is on its way to its loop
	expired  bool // has waited for too long
	done     bool // has been answered, or given up
}

// waitsFor returns the subscription to channel that s waits for, or nil.
func (s *Subscriber) pendingFor(channel []byte) *pendingSub {
	for p := s.pending; p != nil; p = p.next {
		if p.topic.Name == string(channel) {
			return p
		}
	}
	return nil
}

// wait keeps a subscription until t is ready for it. The stripe is held.
func (d *Directory) addPending(t *Topic, s *Subscriber, member *Identity) {
	p := &pendingSub{directory: d, topic: t, sub: s, next: s.pending, member: member, requests: 1}
	s.pending = p
	t.pending = append(t.pending, p)
	d.hub.deadlines.add(p, d.hub.now())
	d.markDirty(t)
}

// waitAgain is for a client that subscribes once more before it is answered.
func (d *Directory) repeatPending(p *pendingSub, member *Identity) {
	st := p.topic.stripe
	st.mu.Lock()
	p.requests++
	var toWake uint64
	if member != nil {
		toWake = d.changeIdentity(p.topic, p.member, member)
		p.member = member
	}
	st.mu.Unlock()
	d.hub.wake(toWake, p.sub.loop)
}

// exchange lets a connection say something else of its user, or be another one. The stripe is held.
func (d *Directory) changeIdentity(t *Topic, old, member *Identity) (toWake uint64) {
	if old.Key == member.Key {
		t.roster.replaceIdentity(old, member)
		d.queueUpdate(t, t.roster.getOrAdd(member.Key))
		return 0
	}
	d.addLocal(t, member)
	return d.removeLocal(t, old)
}

// giveUp forgets a subscription that has not been answered. It runs on its loop.
func (d *Directory) cancelPending(p *pendingSub) {
	p.unlinkSubscriber()
	t := p.topic
	t.stripe.mu.Lock()
	var toWake uint64
	p.unlinkTopic()
	if p.member != nil {
		toWake = d.removeLocal(t, p.member)
	}
	d.cleanUp(t)
	t.stripe.mu.Unlock()
	d.hub.wake(toWake, p.sub.loop)
}

// unlist takes w off the list of its subscriber.
func (p *pendingSub) unlinkSubscriber() {
	for link := &p.sub.pending; *link != nil; link = &(*link).next {
		if *link == p {
			*link = p.next
			return
		}
	}
}

// leave takes w off its topic. The stripe is held.
func (p *pendingSub) unlinkTopic() {
	p.done = true
	if i := slices.Index(p.topic.pending, p); i >= 0 {
		p.topic.pending = slices.Delete(p.topic.pending, i, i+1)
	}
	if len(p.topic.pending) == 0 {
		p.topic.pending = nil
	}
}

// Run answers the subscription, if its topic is still ready for it.
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

// release has those waiters of t answered that need not wait any longer. The stripe is held.
func (d *Directory) answerPending(t *Topic) (toWake uint64) {
	for _, p := range t.pending {
		if !p.posted && (p.expired || d.ready(t, p.member)) {
			p.posted = true
			toWake |= d.hub.post(p.sub.loop.bit, job{task: p})
		}
	}
	return toWake
}

// patience is the subscriptions that wait, in the order of their deadlines. Its lock is taken under a stripe.
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

// take removes and returns those whose time has come.
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

// Overdue lets those subscriptions succeed on this node alone that have waited for the cluster too long. Call it several times a
// second.
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
