package console

import (
	"sync"
	"sync/atomic"
	"time"

	"reverbd/broadcast"
	"reverbd/protocol/pusher"
)

// Filter says what a reader wants to see. The zero value is everything of all apps.
type Filter struct {
	App     string // id; "" is all
	Channel string // pattern of channels, in which * is any run of characters; what concerns no channel is left out then. "" is all
}

// Console is a broadcast.Observer for people. All methods are safe for concurrent use.
type Console struct {
	hub *broadcast.Hub

	mu      sync.RWMutex // guards readers; it is held for reading while lines are handed to them
	readers map[*Reader]bool
}

// New returns a Console without readers.
func New() *Console { return &Console{readers: make(map[*Reader]bool)} }

// Attach is called once, before the first reader comes.
func (c *Console) Attach(h *broadcast.Hub) { c.hub = h }

// Reader is somebody who reads the stream.
type Reader struct {
	console *Console
	filter  Filter
	lines   chan Line
	missing atomic.Int64
	window  atomic.Int64 // the second that room is for
	room    atomic.Int64 // lines that may come in it
}

const (
	maxWaiting = 512 // lines that wait for a reader
	maxRate    = 500 // lines a second for one reader
)

// Read begins to stream. The caller ends it by Close.
func (c *Console) Read(f Filter) *Reader {
	r := &Reader{console: c, filter: f, lines: make(chan Line, maxWaiting)}
	c.mu.Lock()
	c.readers[r] = true
	c.mu.Unlock()
	c.Refresh()
	return r
}

// Close ends the stream.
func (r *Reader) Close() {
	c := r.console
	c.mu.Lock()
	delete(c.readers, r)
	c.mu.Unlock()
	c.Refresh()
}

// Lines is the stream. It is never closed.
func (r *Reader) Lines() <-chan Line { return r.lines }

// Refresh has each app report what somebody reads, and no more. It is called when apps have been added, too.
func (c *Console) Refresh() {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, d := range c.hub.Directories() {
		wanted := broadcast.Activities(0)
		for r := range c.readers {
			if r.filter.App == "" || r.filter.App == d.App {
				wanted = broadcast.AllActivities
			}
		}
		d.Watch(wanted)
	}
}

// Observe implements broadcast.Observer. It is called from all loops, with a stripe held, and does not wait.
func (c *Console) Observe(a broadcast.Activity) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for r := range c.readers {
		if r.filter.wants(&a) {
			r.offer(&a)
		}
	}
}

func (f *Filter) wants(a *broadcast.Activity) bool {
	return (f.App == "" || f.App == a.App) && (f.Channel == "" || pusher.MatchPattern(f.Channel, a.Channel))
}

// offer hands a line to the reader if there is room.
func (r *Reader) offer(a *broadcast.Activity) {
	now := time.Now()
	if second := now.Unix(); r.window.Swap(second) != second {
		r.room.Store(maxRate)
	}
	if r.room.Add(-1) < 0 {
		r.missing.Add(1)
		return
	}
	l := newLine(a, now)
	l.Missing = r.missing.Swap(0)
	select {
	case r.lines <- l:
	default:
		r.missing.Add(l.Missing + 1)
	}
}
