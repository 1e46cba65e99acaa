package broadcast

import (
	"errors"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"
)

// MaxLoops is the largest number of loops of a Hub: a Topic keeps the set of them in one word.
const MaxLoops = 64

// ErrOverloaded is returned when a loop that would have to deliver is too far behind. Nothing was delivered.
var ErrOverloaded = errors.New("broadcast: a loop has too much waiting")

// Options configure a Hub. The zero value is usable.
type Options struct {
	Loops        int           // event loops, 1 to MaxLoops; 0 is 1
	MailboxBytes int64         // waiting for one loop before publishing is refused; 0 is 64 MiB
	CacheTTL     time.Duration // life of a cache channel's last event; 0 is 30 minutes
	CacheBytes   int64         // of all cached events together; 0 is 64 MiB
	Bus          Bus           // nil: a single node
	Now          func() time.Time
}

// Hub is all loops of this node and the directories of its apps. Safe for concurrent use.
type Hub struct {
	loops []*Loop
	cache cacheBudget
	bus   Bus
	now   func() time.Time

	deflateConns atomic.Int64 // connections that take compressed frames
	busConnected atomic.Bool  // the bus reaches the other nodes
	deadlines    deadlineQueue

	mu          sync.Mutex // guards directories alone; no other lock is taken under it
	directories []*Directory
}

// NewHub returns a Hub with its loops, none of which runs yet: see Loop.Attach.
func NewHub(o Options) *Hub {
	h := &Hub{bus: o.Bus, now: o.Now}
	if h.now == nil {
		h.now = time.Now
	}
	h.cache.ttl, h.cache.limit = orDefault(o.CacheTTL, 30*time.Minute), orDefault(o.CacheBytes, 64<<20)
	for i := range min(max(o.Loops, 1), MaxLoops) {
		h.loops = append(h.loops, newLoop(i, orDefault(o.MailboxBytes, 64<<20), &h.deflateConns))
	}
	return h
}

func orDefault[T ~int64](v, def T) T {
	if v <= 0 {
		return def
	}
	return v
}

// Loops returns the loops, in the order of their index.
func (h *Hub) Loops() []*Loop { return h.loops }

// Directory returns the channels of an app, nil if there is no such app.
func (h *Hub) Directory(app string) *Directory {
	for _, d := range h.allDirectories() {
		if d.App == app {
			return d
		}
	}
	return nil
}

// Sweep drops expired cached events. Call it every few seconds, from any goroutine but a loop's.
func (h *Hub) Sweep() {
	now := h.now()
	for _, d := range h.allDirectories() {
		d.expire(now)
	}
}

// Forget takes the channels of an app out of the hub, and drops its cached events. Subscribers that are still there are not told:
// see Directory.Dismiss.
func (h *Hub) RemoveDirectory(d *Directory) {
	h.mu.Lock()
	kept := make([]*Directory, 0, len(h.directories)) // who walks over the old list may go on
	for _, other := range h.directories {
		if other != d {
			kept = append(kept, other)
		}
	}
	h.directories = kept
	h.mu.Unlock()
	d.removed.Store(true) // from here on nothing is cached
	for i := range d.stripes {
		st := &d.stripes[i]
		st.mu.Lock()
		for st.cached.first != nil {
			d.dropCached(st.cached.first.topic)
		}
		st.mu.Unlock()
	}
}

func (h *Hub) allDirectories() []*Directory {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.directories[:len(h.directories):len(h.directories)]
}

// overloaded reports whether any loop of the set has more waiting than its limit.
func (h *Hub) overloaded(set uint64) bool {
	for ; set != 0; set &= set - 1 {
		if l := h.loops[bits.TrailingZeros64(set)]; l.mailbox.bytes.Load() > l.mailboxLimit {
			return true
		}
	}
	return false
}

// post puts j into the mailbox of every loop of the set and returns those that must be woken. A stripe may be held.
func (h *Hub) post(set uint64, j job) (toWake uint64) {
	for rest := set; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros64(rest)
		if h.loops[i].mailbox.post(j) {
			toWake |= 1 << i
		}
	}
	return toWake
}

// wake rings every loop of the set. No stripe may be held. The caller's own loop is not rung: it looks into its
// mailbox before it goes back to poll.
func (h *Hub) wake(set uint64, own *Loop) {
	for ; set != 0; set &= set - 1 {
		if l := h.loops[bits.TrailingZeros64(set)]; l != own {
			l.wake()
		}
	}
}
