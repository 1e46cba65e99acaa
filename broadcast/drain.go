package broadcast

import "time"

// What one call of Drain may do before reads, pings and accepts are served. Eight writes take about 50 microseconds. A
// small budget also makes writes coalesce: events that are read between two calls are queued behind frames that still
// wait, and leave with them in one write. So the budget is small while events keep coming; while none come it doubles with
// each call, up to where the cost of polling is small against that of the writes.
const (
	minBudget  = 8                     // writes
	maxBudget  = 32                    // writes
	maxCopies  = 16 << 10              // copies queued; one event is always queued to all its subscribers
	taskCopies = maxCopies / maxBudget // what a task counts as: most tasks write once
	maxQueued  = 32 << 20              // bytes queued on connections and not written; more stays in the mailbox
)

// Drain queues posted frames on the connections, continues walks, and writes, within its budget. If anything is left it asks
// to be called again. A call with nothing to do costs a look at the mailbox.
func (l *Loop) Drain() {
	l.rescheduled = false
	l.drain()
}

// DrainUnlessScheduled is called at the end of every read and close, where code on the loop may have posted to its own
// mailbox without a wake-up. It drains unless a Drain is coming anyway.
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
	l.walkUntil = time.Time{}
	l.doRests()
	for writes := 0; ; {
		if l.dispatch() && len(l.rests) == 0 { // the events of rests are not worth a poll each
			l.budget = minBudget
		}
		l.walk()
		if n := l.write(l.budget - writes); n > 0 {
			writes += n
			l.counters.Drains++
		}
		l.timeDeliveries()
		if l.idle() && len(l.walks) == 0 && !l.resting() {
			if l.mailbox.park() {
				return
			}
			continue
		}
		if writes >= l.budget || l.next < len(l.jobs) || len(l.walks) > 0 || l.resting() {
			l.rescheduled = true
			l.reschedule()
			return
		}
	}
}

// idle reports that all jobs taken are done and all queues are written.
func (l *Loop) idle() bool { return l.next == len(l.jobs) && l.head == len(l.dirty) }

// dispatch does waiting jobs in order: it runs tasks, and queues frames on the connections that get them. It reports
// whether jobs have come since the last call.
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
		j.topic.stripe.directory.waiting[l.index].Add(-j.size())
		if g := l.shard[j.topic]; g != nil {
			copies += len(g.entries)
			l.fanOut(g, j)
			if j.at != 0 {
				l.timings.add(timing{g.topic.tally, j.at, l.taken + uint64(len(l.dirty)-l.head)})
			}
		}
	}
	return more
}

// fanOut queues the frame of j on the subscribers of its topic.
func (l *Loop) fanOut(g *group, j *job) {
	copies := uint64(0)
	for i := range g.entries {
		e := &g.entries[i]
		if e.since < j.seq && (j.except == 0 || e.sub.ID != j.except) {
			copies++
			if j.deflated != nil && e.sub.deflate {
				l.enqueue(e.sub, j.deflated)
			} else {
				l.enqueue(e.sub, j.frame)
			}
		}
	}
	g.topic.tally.of(l)[Delivered] += copies
}

// write flushes up to n connections, those that have waited longest first, and returns how many it flushed.
func (l *Loop) write(n int) (writes int) {
	for writes < n && l.head < len(l.dirty) {
		s := l.dirty[l.head]
		l.dirty[l.head] = nil
		l.head++
		l.taken++
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
