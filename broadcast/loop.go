package broadcast

import (
	"sync/atomic"

	"reverbd/protocol/pusher"
	"reverbd/protocol/ws"
)

// What one turn of a loop's drain may do before reads, pings and accepts get their turn. Eight writes take about 50
// microseconds. Short turns are also what joins writes: events that are read between two turns are queued behind the ones
// still waiting and leave with them. So turns are short while events keep coming, and get longer, up to where the price of
// polling is lost in that of the writes, while nothing comes.
const (
	minBudget  = 8                     // writes
	maxBudget  = 32                    // writes
	maxCopies  = 16 << 10              // copies queued; one event is always queued whole
	taskCopies = maxCopies / maxBudget // what a task counts for: most of them write once
	maxQueued  = 32 << 20              // bytes queued on connections and not yet written; more stays in the mailbox
)

// joinBytes is how much is joined into one write.
const coalesceBytes = 64 << 10

// Loop is the part of the subscription table and of its traffic that one event loop owns. Post may be called from
// anywhere, everything else only on the loop.
type Loop struct {
	index        int
	bit          uint64
	mailbox      mailbox
	mailboxLimit int64
	deflateConns *atomic.Int64 // of the hub: connections that take compressed frames
	wake         func()        // wakes the loop from elsewhere: Drain will be called
	reschedule   func()        // asks for another Drain once other events have had their turn

	shard           shard
	subscribers     []*Subscriber
	connectionCount atomic.Int64 // of subscribers; read from anywhere

	jobs        []job // taken from the mailbox, carried out up to next
	next        int
	dirty       []*Subscriber // connections with a queue, first come first served, from head on
	head        int
	queued      int  // bytes in all queues
	budget      int  // writes that the current turn may make
	rescheduled bool // again was called and its Drain has not come yet
	draining    bool // in work: a write may close a connection, and that may come back here

	spare       []*queue // empty queues for reuse
	spareUnused int      // of which so many have not been needed since the last Trim
	dirtyPeak   int      // most connections that were dirty at once since the last Trim
	scratch     []byte   // where frames are joined
}

// queue is the frames that wait for the next write of one connection.
type queue struct {
	frames []Frame
	bytes  int
	inline [2]Frame // memory for frames as long as they are few
}

// maxSpareFrames is the longest list that a spare queue keeps.
const maxSpareFrames = 64

func newLoop(index int, limit int64, deflateConns *atomic.Int64) *Loop {
	return &Loop{
		index: index, bit: 1 << index, mailboxLimit: limit, deflateConns: deflateConns, shard: make(shard), budget: maxBudget,
		wake: func() {}, reschedule: func() {},
	}
}

// Index is the loop's place in Hub.Loops.
func (l *Loop) Index() int { return l.index }

// Attach says how the loop is woken. ring is called from any goroutine when work has come to a loop that was idle;
// again is called on the loop when a drain was cut short. After either, Drain must be called on the loop. Call it
// before anything is posted.
func (l *Loop) Attach(wake, reschedule func()) { l.wake, l.reschedule = wake, reschedule }

// Post puts a task into the loop's mailbox. Safe for concurrent use.
func (l *Loop) Post(task Task) {
	if l.mailbox.post(job{task: task}) {
		l.wake()
	}
}

// Add makes an established connection known. s must not be known to any loop.
func (l *Loop) Add(s *Subscriber, id pusher.SocketID, d *Directory, c Conn) {
	s.ID, s.conn, s.loop, s.directory = id, c, l, d
	s.index = int32(len(l.subscribers))
	l.subscribers = append(l.subscribers, s)
	l.connectionCount.Add(1)
	if d != nil {
		d.connections.Add(1)
	}
}

// Remove ends all subscriptions of s and forgets it. Nothing is written to its connection from then on.
func (l *Loop) Remove(s *Subscriber) {
	if s.dead {
		return
	}
	s.dead = true
	if s.deflate {
		l.deflateConns.Add(-1)
	}
	l.discard(s)
	for s.pending != nil {
		s.directory.cancelPending(s.pending)
	}
	for len(s.subs) > 0 {
		s.directory.unsubscribeSlot(s, int32(len(s.subs)-1))
	}
	if s.directory != nil {
		s.directory.connections.Add(-1)
	}
	last := len(l.subscribers) - 1
	moved := l.subscribers[last]
	l.subscribers[last] = nil
	l.subscribers = l.subscribers[:last]
	l.connectionCount.Add(-1)
	if moved != s {
		l.subscribers[s.index] = moved
		moved.index = s.index
	}
	s.conn = nil
}

// Drain takes one turn: it queues what has been posted, and writes what is queued. If something is left it asks to be
// called again. A call with nothing to do costs a look at the mailbox.
func (l *Loop) Drain() {
	l.rescheduled = false
	l.drain()
}

// Settle is called at the end of every read, where the loop may have posted to itself without ringing. It takes a turn
// unless one is coming anyway.
func (l *Loop) DrainUnlessScheduled() {
	if !l.rescheduled {
		l.drain()
	}
}

func (l *Loop) drain() {
	if l.draining {
		return
	}
	l.draining = true
	defer func() { l.draining = false }()
	l.budget = min(2*l.budget, maxBudget)
	for writes := 0; ; {
		if l.dispatch() {
			l.budget = minBudget
		}
		writes += l.write(l.budget - writes)
		if l.idle() {
			if l.mailbox.park() {
				return
			}
			continue
		}
		if writes >= l.budget || l.next < len(l.jobs) {
			l.rescheduled = true
			l.reschedule()
			return
		}
	}
}

// idle reports that everything taken has been carried out and written.
func (l *Loop) idle() bool { return l.next == len(l.jobs) && l.head == len(l.dirty) }

// mark carries out waiting jobs in order: frames are queued on the connections that get them. It reports whether any have come
// since the last time.
func (l *Loop) dispatch() (more bool) {
	for copies := 0; copies < maxCopies && l.queued < maxQueued; {
		if l.next == len(l.jobs) {
			l.jobs, l.next = l.mailbox.take(l.jobs), 0
			if len(l.jobs) == 0 {
				return more
			}
			more = true
		}
		j := &l.jobs[l.next]
		l.next++
		l.mailbox.bytes.Add(-j.size())
		if j.task != nil {
			j.task.Run()
			copies += taskCopies
			continue
		}
		if g := l.shard[j.topic]; g != nil {
			copies += len(g.entries)
			l.fanOut(g, j)
		}
	}
	return more
}

func (l *Loop) fanOut(g *group, j *job) {
	for i := range g.entries {
		e := &g.entries[i]
		if e.since < j.seq && (j.except == 0 || e.sub.ID != j.except) {
			if j.deflated != nil && e.sub.deflate {
				l.enqueue(e.sub, j.deflated)
			} else {
				l.enqueue(e.sub, j.frame)
			}
		}
	}
}

// enqueue puts f behind what s is still to be sent.
func (l *Loop) enqueue(s *Subscriber, f Frame) {
	q := s.queue
	if q == nil {
		q = l.acquireQueue()
		s.queue = q
		if !s.dirty {
			s.dirty = true
			l.dirty = append(l.dirty, s)
		}
	}
	q.frames = append(q.frames, f)
	q.bytes += len(f)
	l.queued += len(f)
}

// write flushes up to n connections, those that have waited longest first, and returns how many it was.
func (l *Loop) write(n int) (writes int) {
	for writes < n && l.head < len(l.dirty) {
		s := l.dirty[l.head]
		l.dirty[l.head] = nil
		l.head++
		s.dirty = false
		if s.queue != nil {
			l.Flush(s)
			writes++
		}
	}
	l.dirtyPeak = max(l.dirtyPeak, len(l.dirty))
	switch {
	case l.head == len(l.dirty):
		l.dirty, l.head = l.dirty[:0], 0
	case l.head >= 1024 && l.head > len(l.dirty)/2:
		n := copy(l.dirty, l.dirty[l.head:])
		clear(l.dirty[n:])
		l.dirty, l.head = l.dirty[:n], 0
	}
	return writes
}

// Trim gives back what a burst made large and has not been needed since the last Trim. Call it every second or so.
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
}

// Flush writes everything that waits for s, with one write if it fits joinBytes.
func (l *Loop) Flush(s *Subscriber) {
	q := s.queue
	if q == nil {
		return
	}
	s.queue = nil
	l.queued -= q.bytes
	if len(q.frames) == 1 {
		s.conn.Write(q.frames[0])
	} else {
		l.writeCoalesced(s, q.frames)
	}
	l.releaseQueue(q)
}

// join writes frames through the scratch buffer; one that is larger than the buffer goes by itself.
func (l *Loop) writeCoalesced(s *Subscriber, frames []Frame) {
	buf := l.scratch[:0]
	for _, f := range frames {
		if len(buf)+len(f) > coalesceBytes && len(buf) > 0 {
			s.conn.Write(buf)
			buf = buf[:0]
			if s.dead {
				return
			}
		}
		if len(f) > coalesceBytes {
			s.conn.Write(f)
			if s.dead {
				return
			}
			continue
		}
		buf = append(buf, f...)
	}
	if len(buf) > 0 {
		s.conn.Write(buf)
	}
	l.scratch = buf[:0]
}

// release drops what waits for s.
func (l *Loop) discard(s *Subscriber) {
	if q := s.queue; q != nil {
		s.queue = nil
		l.queued -= q.bytes
		l.releaseQueue(q)
	}
}

func (l *Loop) acquireQueue() *queue {
	n := len(l.spare)
	if n == 0 {
		q := &queue{}
		q.frames = q.inline[:0]
		return q
	}
	q := l.spare[n-1]
	l.spare[n-1] = nil
	l.spare = l.spare[:n-1]
	l.spareUnused = min(l.spareUnused, n-1)
	return q
}

func (l *Loop) releaseQueue(q *queue) {
	clear(q.frames)
	q.frames, q.bytes = q.frames[:0], 0
	if cap(q.frames) > maxSpareFrames {
		q.frames = q.inline[:0]
	}
	l.spare = append(l.spare, q)
}

// terminate ends the connections of one user on one loop.
type terminateTask struct {
	loop      *Loop
	directory *Directory
	user      string
}

// Run goes backwards: closing removes the connection from the list, and the last one takes its place.
func (t *terminateTask) Run() {
	for i := len(t.loop.subscribers) - 1; i >= 0; i-- {
		if s := t.loop.subscribers[i]; s.directory == t.directory && s.isUser(t.user) {
			s.conn.Close(ws.StatusCode(pusher.CloseForbidden), "You got disconnected by the app.")
		}
	}
}
