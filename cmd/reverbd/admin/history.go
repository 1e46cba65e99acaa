package admin

import (
	"sync"
	"time"

	"reverbd/apps"
	"reverbd/broadcast"
)

// point is the figures of an app at one time. All but Connections count from the start.
type point struct {
	Time        int64  `json:"t"` // Unix milliseconds
	Connections int    `json:"connections"`
	Messages    uint64 `json:"messages"` // of clients
	Events      uint64 `json:"events"`
	Deliveries  uint64 `json:"deliveries"`
	Bytes       uint64 `json:"bytes"` // written
}

const (
	seconds = 5 * 60 // points kept, one a second
	minutes = 61     // points kept, one a minute
)

// ring keeps the last points of an app, oldest first.
type ring struct{ seconds, minutes []point }

func (r *ring) add(p point) {
	r.seconds = push(r.seconds, p, seconds)
	if n := len(r.minutes); n == 0 || p.Time-r.minutes[n-1].Time >= time.Minute.Milliseconds() {
		r.minutes = push(r.minutes, p, minutes)
	}
}

func push(list []point, p point, most int) []point {
	if len(list) == most {
		copy(list, list[1:])
		list = list[:most-1]
	}
	return append(list, p)
}

// history is the figures of the last hour, of as many apps as have a label of their own. Safe for concurrent use.
type history struct {
	mu     sync.Mutex
	apps   map[string]*ring
	totals broadcast.Totals // the latest
}

func newHistory() *history { return &history{apps: make(map[string]*ring)} }

func (h *history) add(now time.Time, t broadcast.Totals) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.totals = t
	known := make(map[string]*ring, len(h.apps))
	for i := range t.Apps[:min(len(t.Apps), maxApps)] {
		a := &t.Apps[i]
		r := h.apps[a.App]
		if r == nil {
			r = &ring{}
		}
		r.add(pointOf(a, now))
		known[a.App] = r
	}
	h.apps = known
}

func pointOf(a *broadcast.AppTotals, now time.Time) point {
	c := &a.Counters
	return point{
		Time: now.UnixMilli(), Connections: a.Connections, Messages: c[apps.MessagesIn],
		Events:     c[apps.EventsAPI] + c[apps.EventsBatch] + c[apps.EventsClient] + c[broadcast.EventsCluster],
		Deliveries: c[broadcast.Delivered], Bytes: c[broadcast.BytesOut],
	}
}

// of returns the points of an app: those of every second, or of every minute.
func (h *history) of(app string, byMinute bool) []point {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.apps[app]
	switch {
	case r == nil:
		return []point{}
	case byMinute:
		return append([]point(nil), r.minutes...)
	}
	return append([]point(nil), r.seconds...)
}

func (h *history) latest() broadcast.Totals {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.totals
}
