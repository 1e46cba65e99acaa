package broadcast

import (
	"errors"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"
)

// MaxLoops is the largest number of loops of a Hub: a Topic keeps the set of its loops in one word.
const MaxLoops = 64

// ErrOverloaded is returned when a loop that would have to deliver is too far behind. Nothing was delivered.
var ErrOverloaded = errors.New("broadcast: a loop has too much waiting")

// Options configure a Hub. The zero value is usable.
type Options struct {
	Loops        int           // event loops, 1 to MaxLoops; 0 is 1
	MailboxBytes int64         // bytes that may wait in the mailbox of one loop before publishing is refused, an app's share: see Directory.behind; twice that for events of other nodes; 0 is 64 MiB
	CacheTTL     time.Duration // time to live of the last event of a cache channel; 0 is 30 minutes
	CacheBytes   int64         // memory of all cached events together; 0 is 64 MiB
	Bus          Bus           // nil: a single node
	Timed        bool          // measure how long deliveries and the turns of loops take
	Observer     Observer      // nil: nobody is told of anything; see Directory.Report
	Watcher      Observer      // another one, which people look at: see Directory.Watch
	Now          func() time.Time
	After        func(d time.Duration, f func()) // calls f on a goroutine of its own after d; nil: time.AfterFunc
}

// Hub is the loops of this node and the directories of its apps. Safe for concurrent use.
type Hub struct {
	loops []*Loop
	cache cacheBudget
	bus   Bus
	now   func() time.Time
	after func(d time.Duration, f func())

	observer     Observer
	watcher      Observer
	timed        bool
	Unknown      Tally        // of what belongs to no app
	deflateConns atomic.Int64 // connections that take compressed frames
	busConnected atomic.Bool  // the bus reaches the other nodes
	deadlines    deadlineQueue

	totals      sync.Mutex // guards lastCounted
	lastCounted []counted  // by loop

	mu          sync.Mutex // guards directories; no other lock is taken while it is held
	directories []*Directory
}

// NewHub returns a Hub with its loops, none of which runs yet: see Loop.Attach.
func NewHub(o Options) *Hub {
	h := &Hub{bus: o.Bus, now: o.Now, after: o.After, observer: o.Observer, watcher: o.Watcher, timed: o.Timed}
	if h.after == nil {
		h.after = func(d time.Duration, f func()) { time.AfterFunc(d, f) }
	}
	if h.now == nil {
		h.now = time.Now
	}
	h.cache.ttl, h.cache.limit = orDefault(o.CacheTTL, 30*time.Minute), orDefault(o.CacheBytes, 64<<20)
	for i := range min(max(o.Loops, 1), MaxLoops) {
		h.loops = append(h.loops, newLoop(i, orDefault(o.MailboxBytes, 64<<20), &h.deflateConns))
		h.loops[i].timed = o.Timed
	}
	for _, l := range h.loops {
		l.peers = h.loops
	}
	return h
}

func orDefault[T ~int64](v, def T) T {
	if v <= 0 {
		return def
	}
	return v
}

// Waiting is the number of bytes of events that wait in mailboxes or are cached. A frame counts for each loop that it waits for.
func (h *Hub) Waiting() int64 {
	n := h.cache.used.Load()
	for _, l := range h.loops {
		n += l.mailbox.bytes.Load()
	}
	return n
}

// Loops returns the loops, ordered by their index.
func (h *Hub) Loops() []*Loop { return h.loops }

// Directory returns the channels of an app, nil if the hub has no such app.
func (h *Hub) Directory(app string) *Directory {
	for _, d := range h.Directories() {
		if d.App == app {
			return d
		}
	}
	return nil
}

// Sweep removes expired cached events, and frees memory that a burst of channels has left. It must be called every few seconds, on any goroutine but a loop's.
func (h *Hub) Sweep() {
	now := h.now()
	for _, d := range h.Directories() {
		d.expire(now)
		d.shrink()
	}
}

// RemoveDirectory removes an app from the hub, with its cached events. It does not close the connections of the app: see
// Directory.Disconnect.
func (h *Hub) RemoveDirectory(d *Directory) {
	h.mu.Lock()
	kept := make([]*Directory, 0, len(h.directories)) // another goroutine may be iterating over the old list
	for _, other := range h.directories {
		if other != d {
			kept = append(kept, other)
		}
	}
	h.directories = kept
	h.mu.Unlock()
	d.removed.Store(true) // from here on nothing is cached
	d.eachStripe(func(st *stripe) {
		for st.cached.first != nil {
			d.dropCached(st.cached.first.topic)
		}
	})
}

// Directories returns the channels of all apps.
func (h *Hub) Directories() []*Directory {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.directories[:len(h.directories):len(h.directories)]
}

// post puts j into the mailbox of every loop of the set and returns those that must be woken. A stripe may be locked.
func (h *Hub) post(set uint64, j job) (toWake uint64) {
	for rest := set; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros64(rest)
		if j.topic != nil {
			j.topic.stripe.directory.waiting[i].Add(j.size())
		}
		if h.loops[i].mailbox.post(j) {
			toWake |= 1 << i
		}
	}
	return toWake
}

// wake wakes every loop of the set but own, the loop of the caller: that one looks into its mailbox before it polls again.
// No stripe may be locked.
func (h *Hub) wake(set uint64, own *Loop) {
	for ; set != 0; set &= set - 1 {
		if l := h.loops[bits.TrailingZeros64(set)]; l != own {
			l.wake()
		}
	}
}
