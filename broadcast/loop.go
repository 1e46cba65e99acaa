package broadcast

import (
	"sync/atomic"
	"time"

	"reverbd/protocol/pusher"
)

// Loop is the part of the subscription table and of the traffic that one event loop owns. Post is safe for concurrent use;
// all other methods must be called on the loop.
type Loop struct {
	index        int
	bit          uint64
	mailbox      mailbox
	mailboxLimit int64
	deflateConns *atomic.Int64 // of the hub: number of connections that take compressed frames
	wake         func()        // wakes the loop from another goroutine, so that it calls Drain
	reschedule   func()        // asks for another Drain after the next poll

	shard           shard
	subscribers     Set[*Subscriber]
	users           map[*Subscriber]*signedIn // nil while there are none
	connectionCount atomic.Int64              // of subscribers, for other goroutines

	jobs        []job // taken from the mailbox; those before next are done
	next        int
	dirty       []*Subscriber // connections with a queue, oldest first, from index head on
	head        int
	queued      int  // bytes in all queues
	budget      int  // writes that the current Drain may make
	rescheduled bool // reschedule was called, and its Drain has not come yet
	draining    bool // inside drain: a write may close a connection, and that may call drain again

	walks     []func() (more bool) // only the first has begun
	walkUntil time.Time            // when the walks of the current Drain pause; zero before their first step

	peers     []*Loop              // all loops of the hub
	rests     []func() (more bool) // see Rest
	rested    time.Time            // when a step of a rest was last made
	restTimer bool                 // a timer wakes the loop for its rests
	caused    int                  // see Caused

	shardPeak int // high-water mark of shard
	counters  LoopCounters
	timed     bool // turns and deliveries are timed
	timings   timings
	taken     uint64 // connections that have been taken from dirty so far

	spare       []*queue // empty queues for reuse
	spareUnused int      // of spare: queues that have not been needed since the last Trim
	dirtyPeak   int      // high-water mark of dirty since the last Trim
	scratch     []byte   // where frames are coalesced
}

func newLoop(index int, limit int64, deflateConns *atomic.Int64) *Loop {
	return &Loop{
		index: index, bit: 1 << index, mailboxLimit: limit, deflateConns: deflateConns, shard: make(shard), budget: maxBudget,
		wake: func() {}, reschedule: func() {},
	}
}

// Index is the index of the loop in Hub.Loops.
func (l *Loop) Index() int { return l.index }

// Attach connects the loop with the event loop that runs it. wake may be called on any goroutine, when work has come for a
// loop that was idle. reschedule is called on the loop, when a Drain has used its budget. After either, the event loop
// must call Drain. Attach must be called before anything is posted.
func (l *Loop) Attach(wake, reschedule func()) { l.wake, l.reschedule = wake, reschedule }

// Post puts a task into the mailbox of the loop. Safe for concurrent use.
func (l *Loop) Post(task Task) {
	if l.mailbox.post(job{task: task}) {
		l.wake()
	}
}

// Add adds an established connection. s must not have been added to any loop.
func (l *Loop) Add(s *Subscriber, id pusher.SocketID, d *Directory, c Conn) {
	s.ID, s.conn, s.loop, s.directory = id, c, l, d
	l.subscribers.Add(s)
	l.connectionCount.Add(1)
	if d != nil {
		d.connections.Add(1)
	}
}

// How many subscriptions of a connection that has ended are removed at once, and in each step of the walk over the others. One takes
// about half a microsecond.
const (
	maxUnsubscribe  = 1024
	unsubscribeStep = 64
)

// unsubscribe ends up to n subscriptions of a connection that has ended, and reports whether any are left.
func (s *Subscriber) unsubscribe(n int) (more bool) {
	for ; n > 0 && len(s.subs) > 0; n-- {
		s.directory.unsubscribeSlot(s, int32(len(s.subs)-1))
	}
	return len(s.subs) > 0
}

// Remove removes s from the loop, and ends its subscriptions: very many of them in later Drains. Nothing is written to its connection
// from then on.
func (l *Loop) Remove(s *Subscriber) {
	if s.dead {
		return
	}
	s.dead = true
	if s.deflate {
		l.deflateConns.Add(-1)
	}
	l.discard(s)
	if l.users != nil {
		s.directory.signOut(s)
	}
	for s.pending != nil {
		s.directory.cancelPending(s.pending)
	}
	if s.unsubscribe(maxUnsubscribe) {
		l.Walk(func() bool { return s.unsubscribe(unsubscribeStep) })
	}
	if s.directory != nil {
		s.directory.connections.Add(-1)
	}
	l.subscribers.Remove(s)
	l.connectionCount.Add(-1)
	s.conn = nil
}

// Trim frees memory that grew in a burst and has not been needed since the last Trim. It should be called about once a
// second.
func (l *Loop) Trim() {
	n := copy(l.spare, l.spare[l.spareUnused:])
	clear(l.spare[n:])
	l.spare, l.spareUnused = l.spare[:n], n
	if cap(l.spare) > 64 && n < cap(l.spare)/4 {
		l.spare = append(make([]*queue, 0, 2*n), l.spare...)
	}
	if len(l.dirty) == 0 && l.dirtyPeak < cap(l.dirty)/4 {
		l.dirty = nil
	}
	l.dirtyPeak = 0
	l.shard = shrunk(l.shard, &l.shardPeak)
	l.timings.trim()
}
