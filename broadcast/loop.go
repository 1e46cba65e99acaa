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
	shortTurn = 8                    // writes
	longTurn  = 32                   // writes
	turnMarks = 16 << 10             // copies queued; one event is always queued whole
	taskMarks = turnMarks / longTurn // what a task counts for: most of them write once
	maxQueued = 32 << 20             // bytes queued on connections and not yet written; more stays in the mailbox
)

// joinBytes is how much is joined into one write.
const joinBytes = 64 << 10

// Loop is the part of the subscription table and of its traffic that one event loop owns. Post may be called from
// anywhere, everything else only on the loop.
type Loop struct {
	index        int
	bit          uint64
	mailbox      mailbox
	mailboxLimit int64
	deflating    *atomic.Int64 // of the hub: connections that take compressed frames
	ring         func()        // wakes the loop from elsewhere: Drain will be called
	again        func()        // asks for another Drain once other events have had their turn

	shard       shard
	subscribers []*Subscriber
	population  atomic.Int64 // of subscribers; read from anywhere

	jobs   []job // taken from the mailbox, carried out up to next
	next   int
	dirty  []*Subscriber // connections with a queue, first come first served, from head on
	head   int
	queued int  // bytes in all queues
	turn   int  // writes that the current turn may make
	asked  bool // again was called and its Drain has not come yet
	busy   bool // in work: a write may close a connection, and that may come back here

	spare   []*queue // empty queues for reuse
	idled   int      // of which so many have not been needed since the last Trim
	crowd   int      // most connections that were dirty at once since the last Trim
	scratch []byte   // where frames are joined
}

// queue is the frames that wait for the next write of one connection.
type queue struct {
	frames []Frame
	bytes  int
	few    [2]Frame // memory for frames as long as they are few
}

// maxSpareFrames is the longest list that a spare queue keeps.
const maxSpareFrames = 64

func newLoop(index int, limit int64, deflating *atomic.Int64) *Loop {
	return &Loop{
		index: index, bit: 1 << index, mailboxLimit: limit, deflating: deflating, shard: make(shard), turn: longTurn,
		ring: func() {}, again: func() {},
	}
}

// Index is the loop's place in Hub.Loops.
func (l *Loop) Index() int { return l.index }

// Attach says how the loop is woken. ring is called from any goroutine when work has come to a loop that was idle;
// again is called on the loop when a drain was cut short. After either, Drain must be called on the loop. Call it
// before anything is posted.
func (l *Loop) Attach(ring, again func()) { l.ring, l.again = ring, again }

// Post puts a task into the loop's mailbox. Safe for concurrent use.
func (l *Loop) Post(task Task) {
	if l.mailbox.post(job{task: task}) {
		l.ring()
	}
}

// Add makes an established connection known. s must not be known to any loop.
func (l *Loop) Add(s *Subscriber, id pusher.SocketID, d *Directory, c Conn) {
	s.ID, s.conn, s.loop, s.directory = id, c, l, d
	s.place = int32(len(l.subscribers))
	l.subscribers = append(l.subscribers, s)
	l.population.Add(1)
	if d != nil {
		d.crowd.Add(1)
	}
}

// Remove ends all subscriptions of s and forgets it. Nothing is written to its connection from then on.
func (l *Loop) Remove(s *Subscriber) {
	if s.dead {
		return
	}
	s.dead = true
	if s.deflate {
		l.deflating.Add(-1)
	}
	l.release(s)
	for s.waiting != nil {
		s.directory.giveUp(s.waiting)
	}
	for len(s.subs) > 0 {
		s.directory.leave(s, int32(len(s.subs)-1))
	}
	if s.directory != nil {
		s.directory.crowd.Add(-1)
	}
	last := len(l.subscribers) - 1
	moved := l.subscribers[last]
	l.subscribers[last] = nil
	l.subscribers = l.subscribers[:last]
	l.population.Add(-1)
	if moved != s {
		l.subscribers[s.place] = moved
		moved.place = s.place
	}
	s.conn = nil
}

// Drain takes one turn: it queues what has been posted, and writes what is queued. If something is left it asks to be
// called again. A call with nothing to do costs a look at the mailbox.
func (l *Loop) Drain() {
	l.asked = false
	l.work()
}

// Settle is called at the end of every read, where the loop may have posted to itself without ringing. It takes a turn
// unless one is coming anyway.
func (l *Loop) Settle() {
	if !l.asked {
		l.work()
	}
}

func (l *Loop) work() {
	if l.busy {
		return
	}
	l.busy = true
	defer func() { l.busy = false }()
	l.turn = min(2*l.turn, longTurn)
	for writes := 0; ; {
		if l.mark() {
			l.turn = shortTurn
		}
		writes += l.write(l.turn - writes)
		if l.idle() {
			if l.mailbox.sleep() {
				return
			}
			continue
		}
		if writes >= l.turn || l.next < len(l.jobs) {
			l.asked = true
			l.again()
			return
		}
	}
}

// idle reports that everything taken has been carried out and written.
func (l *Loop) idle() bool { return l.next == len(l.jobs) && l.head == len(l.dirty) }

// mark carries out waiting jobs in order: frames are queued on the connections that get them. It reports whether any have come
// since the last time.
func (l *Loop) mark() (more bool) {
	for marks := 0; marks < turnMarks && l.queued < maxQueued; {
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
			marks += taskMarks
			continue
		}
		if g := l.shard[j.topic]; g != nil {
			marks += len(g.entries)
			l.markAll(g, j)
		}
	}
	return more
}

func (l *Loop) markAll(g *group, j *job) {
	for i := range g.entries {
		e := &g.entries[i]
		if e.since < j.seq && (j.except == 0 || e.sub.ID != j.except) {
			if j.packed != nil && e.sub.deflate {
				l.enqueue(e.sub, j.packed)
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
		q = l.takeQueue()
		s.queue = q
		if !s.listed {
			s.listed = true
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
		s.listed = false
		if s.queue != nil {
			l.Flush(s)
			writes++
		}
	}
	l.crowd = max(l.crowd, len(l.dirty))
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
	n := copy(l.spare, l.spare[l.idled:])
	clear(l.spare[n:])
	l.spare, l.idled = l.spare[:n], n
	if cap(l.spare) > 64 && n < cap(l.spare)/4 {
		l.spare = append(make([]*queue, 0, 2*n), l.spare...)
	}
	if len(l.dirty) == 0 && l.crowd < cap(l.dirty)/4 {
		l.dirty = nil
	}
	l.crowd = 0
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
		l.join(s, q.frames)
	}
	l.giveQueue(q)
}

// join writes frames through the scratch buffer; one that is larger than the buffer goes by itself.
func (l *Loop) join(s *Subscriber, frames []Frame) {
	buf := l.scratch[:0]
	for _, f := range frames {
		if len(buf)+len(f) > joinBytes && len(buf) > 0 {
			s.conn.Write(buf)
			buf = buf[:0]
			if s.dead {
				return
			}
		}
		if len(f) > joinBytes {
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
func (l *Loop) release(s *Subscriber) {
	if q := s.queue; q != nil {
		s.queue = nil
		l.queued -= q.bytes
		l.giveQueue(q)
	}
}

func (l *Loop) takeQueue() *queue {
	n := len(l.spare)
	if n == 0 {
		q := &queue{}
		q.frames = q.few[:0]
		return q
	}
	q := l.spare[n-1]
	l.spare[n-1] = nil
	l.spare = l.spare[:n-1]
	l.idled = min(l.idled, n-1)
	return q
}

func (l *Loop) giveQueue(q *queue) {
	clear(q.frames)
	q.frames, q.bytes = q.frames[:0], 0
	if cap(q.frames) > maxSpareFrames {
		q.frames = q.few[:0]
	}
	l.spare = append(l.spare, q)
}

// terminate ends the connections of one user on one loop.
type terminate struct {
	loop      *Loop
	directory *Directory
	user      string
}

// Run goes backwards: closing removes the connection from the list, and the last one takes its place.
func (t *terminate) Run() {
	for i := len(t.loop.subscribers) - 1; i >= 0; i-- {
		if s := t.loop.subscribers[i]; s.directory == t.directory && s.isUser(t.user) {
			s.conn.Close(ws.StatusCode(pusher.CloseForbidden), "You got disconnected by the app.")
		}
	}
}
