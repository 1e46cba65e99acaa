package broadcast

import (
	"time"

	"reverbd/protocol/pusher"
)

// AppTotals is what has been counted for one app since it was configured.
type AppTotals struct {
	App         string // "" for what belongs to no app
	Connections int    // of the app to this node, at the moment
	Counters
}

// LoopTotals is what one loop has done since the start.
type LoopTotals struct {
	Connections  int   // WebSockets, at the moment
	MailboxBytes int64 // that wait in its mailbox
	Queued       int   // bytes that wait in its queues for the next write
	LoopCounters
}

// LoopCounters are counted by a loop and read by it alone.
type LoopCounters struct {
	Drains uint64 // rounds of writes
	Writes uint64
	Frames uint64 // that these writes contained

	Turns   uint64                           // times that the loop had something to do, if turns are timed
	Buckets [len(histogramBounds) + 1]uint64 // of their durations
	Busy    time.Duration                    // the sum of these
	longest [2]time.Duration                 // the longest turn of this longestWindow, and of the one before
	window  int64                            // number of that window
}

// longestWindow is how long the longest turn is remembered: for one to two windows.
const longestWindow = 15 * time.Second

// Longest is the longest turn of the last 15 to 30 seconds.
func (c *LoopCounters) Longest() time.Duration { return max(c.longest[0], c.longest[1]) }

// Histogram is the distribution of the durations of turns.
func (c *LoopCounters) Histogram() Histogram {
	return Histogram{Bounds: histogramBounds[:], Counts: c.Buckets[:], Sum: c.Busy}
}

// BeginTurn is called when the loop gets something to do. It returns 0 if turns are not timed.
func (l *Loop) BeginTurn() (began time.Duration) {
	if !l.timed {
		return 0
	}
	return sinceStart()
}

// EndTurn is called with what BeginTurn returned, when the loop has done it.
func (l *Loop) EndTurn(began time.Duration) {
	if began != 0 {
		now := sinceStart()
		l.counters.add(now-began, int64(now/longestWindow))
	}
}

func (c *LoopCounters) add(d time.Duration, window int64) {
	c.Turns++
	c.Busy += d
	c.Buckets[bucket(d)]++
	c.rotate(window)
	c.longest[0] = max(c.longest[0], d)
}

// rotate forgets the longest turns of windows that have passed.
func (c *LoopCounters) rotate(window int64) {
	switch window - c.window {
	case 0:
		return
	case 1:
		c.longest = [2]time.Duration{0, c.longest[0]}
	default:
		c.longest = [2]time.Duration{}
	}
	c.window = window
}

var start = time.Now().Add(-time.Second) // sinceStart is never 0

// sinceStart reads the monotonic clock.
func sinceStart() time.Duration { return time.Since(start) }

// Totals is all that the loops have counted. Apps are in the order in which they were configured; the last one has no name.
type Totals struct {
	Apps  []AppTotals
	Loops []LoopTotals
}

// counted is what one loop has counted, by the Tally of each app.
type counted struct {
	loop LoopTotals
	apps map[*Tally]*Counters
}

// countTask has a loop tell what it has counted.
type countTask struct {
	loop    *Loop
	tallies []*Tally
	result  chan counted // with room for one
}

// Run implements Task.
func (t *countTask) Run() {
	l := t.loop
	l.counters.rotate(int64(sinceStart() / longestWindow))
	c := counted{apps: make(map[*Tally]*Counters, len(t.tallies)), loop: LoopTotals{Queued: l.queued, LoopCounters: l.counters}}
	for _, tally := range t.tallies {
		if tally.loops[l.index] == nil {
			continue
		}
		sum := new(Counters)
		tally.addLoop(l, sum)
		c.apps[tally] = sum
	}
	t.result <- c
}

// Totals asks every loop what it has counted, and adds that up. A loop that does not answer within the time of wait is taken at what
// it told the last time. It must not be called on a loop.
func (h *Hub) Totals(wait time.Duration) Totals {
	directories := h.Directories()
	tallies := make([]*Tally, 0, len(directories)+1)
	for _, d := range directories {
		tallies = append(tallies, &d.Tally)
	}
	tallies = append(tallies, &h.Unknown)

	h.totals.Lock()
	defer h.totals.Unlock()
	h.collect(tallies, wait)
	s := Totals{Apps: make([]AppTotals, len(tallies))}
	for i, t := range tallies {
		a := &s.Apps[i]
		if i < len(directories) {
			a.App, a.Connections = directories[i].App, int(directories[i].connections.Load())
		}
		t.addShared(&a.Counters)
	}
	for i, l := range h.loops {
		for j, t := range tallies {
			if c := h.lastCounted[i].apps[t]; c != nil {
				for k, n := range c {
					s.Apps[j].Counters[k] += n
				}
			}
		}
		loop := h.lastCounted[i].loop
		loop.Connections, loop.MailboxBytes = int(l.connectionCount.Load()), l.mailbox.bytes.Load()
		s.Loops = append(s.Loops, loop)
	}
	return s
}

// collect replaces what the loops told the last time. h.totals is held.
func (h *Hub) collect(tallies []*Tally, wait time.Duration) {
	tasks := make([]*countTask, len(h.loops))
	for i, l := range h.loops {
		tasks[i] = &countTask{loop: l, tallies: tallies, result: make(chan counted, 1)}
		l.Post(tasks[i])
	}
	if h.lastCounted == nil {
		h.lastCounted = make([]counted, len(h.loops))
	}
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	for i, t := range tasks {
		select {
		case h.lastCounted[i] = <-t.result:
			continue
		default:
		}
		select {
		case h.lastCounted[i] = <-t.result:
		case <-timeout.C:
			timeout.Reset(0) // the others have had the same time
		}
	}
}

// Occupied counts the occupied channels of the app on this node by their kind.
func (d *Directory) Occupied() map[pusher.Kind]int {
	n := make(map[pusher.Kind]int)
	for i := range d.stripes {
		st := &d.stripes[i]
		st.mu.Lock()
		for _, t := range st.topics {
			if t.subscribers > 0 {
				n[t.Kind]++
			}
		}
		st.mu.Unlock()
	}
	return n
}
