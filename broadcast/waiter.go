package broadcast

import (
	"slices"
	"sync"
	"time"
)

// patienceTime is how long a subscription waits for the cluster before it succeeds on this node alone.
const patienceTime = time.Second

// waiter is a subscription that waits until this node hears its channel. It is a Task: Run answers it on its loop.
type waiter struct {
	directory *Directory
	topic     *Topic
	sub       *Subscriber
	next      *waiter // in the list of sub, which belongs to the loop

	// Guarded by the stripe.
	member  *Identity
	answers int  // how often the client has asked
	posted  bool // is on its way to its loop
	forced  bool // has waited for too long
	over    bool // has been answered, or given up
}

// waitsFor returns the subscription to channel that s waits for, or nil.
func (s *Subscriber) waitsFor(channel []byte) *waiter {
	for w := s.waiting; w != nil; w = w.next {
		if w.topic.Name == string(channel) {
			return w
		}
	}
	return nil
}

// wait keeps a subscription until t is ready for it. The stripe is held.
func (d *Directory) wait(t *Topic, s *Subscriber, member *Identity) {
	w := &waiter{directory: d, topic: t, sub: s, next: s.waiting, member: member, answers: 1}
	s.waiting = w
	t.waiting = append(t.waiting, w)
	d.hub.overdue.add(w, d.hub.now())
	d.watch(t)
}

// waitAgain is for a client that subscribes once more before it is answered.
func (d *Directory) waitAgain(w *waiter, member *Identity) {
	st := w.topic.stripe
	st.mu.Lock()
	w.answers++
	var asleep uint64
	if member != nil {
		asleep = d.exchange(w.topic, w.member, member)
		w.member = member
	}
	st.mu.Unlock()
	d.hub.wake(asleep, w.sub.loop)
}

// exchange lets a connection say something else of its user, or be another one. The stripe is held.
func (d *Directory) exchange(t *Topic, old, member *Identity) (asleep uint64) {
	if old.Key == member.Key {
		t.roster.replace(old, member)
		d.tell(t, t.roster.at(member.Key))
		return 0
	}
	d.arrive(t, member)
	return d.depart(t, old)
}

// giveUp forgets a subscription that has not been answered. It runs on its loop.
func (d *Directory) giveUp(w *waiter) {
	w.unlist()
	t := w.topic
	t.stripe.mu.Lock()
	var asleep uint64
	w.leave()
	if w.member != nil {
		asleep = d.depart(t, w.member)
	}
	d.tidy(t)
	t.stripe.mu.Unlock()
	d.hub.wake(asleep, w.sub.loop)
}

// unlist takes w off the list of its subscriber.
func (w *waiter) unlist() {
	for p := &w.sub.waiting; *p != nil; p = &(*p).next {
		if *p == w {
			*p = w.next
			return
		}
	}
}

// leave takes w off its topic. The stripe is held.
func (w *waiter) leave() {
	w.over = true
	if i := slices.Index(w.topic.waiting, w); i >= 0 {
		w.topic.waiting = slices.Delete(w.topic.waiting, i, i+1)
	}
	if len(w.topic.waiting) == 0 {
		w.topic.waiting = nil
	}
}

// Run answers the subscription, if its topic is still ready for it.
func (w *waiter) Run() {
	d, t, s := w.directory, w.topic, w.sub
	t.stripe.mu.Lock()
	w.posted = false
	if w.over || !w.forced && !d.ready(t, w.member) {
		t.stripe.mu.Unlock()
		return
	}
	w.leave()
	joined, asleep := d.admit(t, s, w.member)
	t.stripe.mu.Unlock()
	w.unlist()
	d.hub.wake(asleep, s.loop)
	for range w.answers {
		s.Send(joined.Success)
		if joined.Last != nil {
			s.Send(joined.Last)
		}
	}
}

// release has those waiters of t answered that need not wait any longer. The stripe is held.
func (d *Directory) release(t *Topic) (asleep uint64) {
	for _, w := range t.waiting {
		if !w.posted && (w.forced || d.ready(t, w.member)) {
			w.posted = true
			asleep |= d.hub.post(w.sub.loop.bit, job{task: w})
		}
	}
	return asleep
}

// patience is the subscriptions that wait, in the order of their deadlines. Its lock is taken under a stripe.
type patience struct {
	mu    sync.Mutex
	queue []deadline
}

type deadline struct {
	waiter *waiter
	at     time.Time
}

func (p *patience) add(w *waiter, now time.Time) {
	p.mu.Lock()
	p.queue = append(p.queue, deadline{w, now.Add(patienceTime)})
	p.mu.Unlock()
}

// take removes and returns those whose time has come.
func (p *patience) take(now time.Time) []deadline {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for n < len(p.queue) && !now.Before(p.queue[n].at) {
		n++
	}
	due := slices.Clone(p.queue[:n])
	p.queue = slices.Delete(p.queue, 0, n)
	if len(p.queue) == 0 {
		p.queue = nil
	}
	return due
}

// Overdue lets those subscriptions succeed on this node alone that have waited for the cluster too long. Call it several times a
// second.
func (h *Hub) Overdue() {
	for _, due := range h.overdue.take(h.now()) {
		w := due.waiter
		st := w.topic.stripe
		st.mu.Lock()
		w.forced = true
		var asleep uint64
		if !w.over {
			asleep = w.directory.release(w.topic)
		}
		st.mu.Unlock()
		h.wake(asleep, nil)
	}
}
