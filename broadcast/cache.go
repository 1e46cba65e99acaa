package broadcast

import (
	"sync/atomic"
	"time"
)

// cachedEvent is the last event of a cache channel. It is an element of the list of its stripe, oldest first. All events
// have the same time to live, so the oldest event is also the first to expire. Guarded by the stripe.
type cachedEvent struct {
	topic      *Topic
	frame      Frame
	expires    time.Time
	prev, next *cachedEvent
}

// cachedOverhead is what a cached event costs beside its frame and its name, in bytes (approximately).
const cachedOverhead = 256

func (e *cachedEvent) size() int64 {
	return int64(len(e.frame)+len(e.topic.Name)) + cachedOverhead
}

// cacheList is the list of cached events of one stripe, oldest first. Guarded by the stripe.
type cacheList struct{ first, last *cachedEvent }

func (l *cacheList) push(e *cachedEvent) {
	e.prev, e.next = l.last, nil
	if l.last != nil {
		l.last.next = e
	} else {
		l.first = e
	}
	l.last = e
}

func (l *cacheList) unlink(e *cachedEvent) {
	if e.prev != nil {
		e.prev.next = e.next
	} else {
		l.first = e.next
	}
	if e.next != nil {
		e.next.prev = e.prev
	} else {
		l.last = e.prev
	}
	e.prev, e.next = nil, nil
}

// cacheBudget limits the memory of the cached events of all apps together.
type cacheBudget struct {
	ttl   time.Duration
	limit int64 // bytes
	used  atomic.Int64
}

func (b *cacheBudget) over() bool { return b.used.Load() > b.limit }

// cacheEvent makes f the last event of t. The stripe is locked.
func (d *Directory) cacheEvent(t *Topic, f Frame) {
	d.uncache(t)
	e := &cachedEvent{topic: t, frame: f, expires: d.hub.now().Add(d.hub.cache.ttl)}
	if e.size() > d.hub.cache.limit || d.removed.Load() {
		return // it is larger than the whole cache, or nothing would remove it any more
	}
	t.cached = e
	t.stripe.cached.push(e)
	d.hub.cache.used.Add(e.size())
}

// uncache removes the last event of t. The stripe is locked.
func (d *Directory) uncache(t *Topic) {
	if e := t.cached; e != nil {
		t.stripe.cached.unlink(e)
		t.cached = nil
		d.hub.cache.used.Add(-e.size())
	}
}

// lastEvent returns the last event of t, nil if there is none or it has expired. The stripe is locked.
func (d *Directory) lastEvent(t *Topic) Frame {
	if t.cached == nil || !d.hub.now().Before(t.cached.expires) {
		return nil
	}
	return t.cached.frame
}

// expire removes expired events from all stripes. No lock may be held: it locks one stripe at a time.
func (d *Directory) expire(now time.Time) {
	d.eachStripe(func(st *stripe) {
		for e := st.cached.first; e != nil && !now.Before(e.expires); e = st.cached.first {
			d.dropCached(e.topic)
		}
	})
}

// oldestExpiry returns when the oldest cached event of d expires; ok is false if there is none.
func (d *Directory) oldestExpiry() (expires time.Time, ok bool) {
	d.eachStripe(func(st *stripe) {
		if e := st.cached.first; e != nil && (!ok || e.expires.Before(expires)) {
			expires, ok = e.expires, true
		}
	})
	return expires, ok
}

// evictBefore removes events that expire at cutoff or before, while the cache is over its limit.
func (d *Directory) evictBefore(cutoff time.Time) {
	d.eachStripe(func(st *stripe) {
		for e := st.cached.first; e != nil && !e.expires.After(cutoff) && d.hub.cache.over(); e = st.cached.first {
			d.dropCached(e.topic)
		}
	})
}

// shrinkCache evicts the oldest events of all apps until the cache is within its limit. Finding the single oldest event
// each time would take all locks for one event, so each round evicts the oldest eighth of the time span that the cache
// covers. No lock may be held.
func (h *Hub) shrinkCache() {
	for h.cache.over() {
		var oldest time.Time
		found := false
		directories := h.Directories()
		for _, d := range directories {
			if t, ok := d.oldestExpiry(); ok && (!found || t.Before(oldest)) {
				oldest, found = t, true
			}
		}
		if !found {
			return
		}
		newest := h.now().Add(h.cache.ttl)
		cutoff := oldest.Add(newest.Sub(oldest) / 8)
		for _, d := range directories {
			d.evictBefore(cutoff)
		}
	}
}

// dropCached removes the last event of t, and t itself if nothing else keeps it. The stripe is locked.
func (d *Directory) dropCached(t *Topic) {
	d.uncache(t)
	if t.vacant() {
		delete(t.stripe.topics, t.Name)
	}
}
