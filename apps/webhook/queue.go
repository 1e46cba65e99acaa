package webhook

import (
	"slices"
	"time"
)

// What a queue hands out.
const (
	batchEvents = 50                     // at most in one batch
	batchTime   = 500 * time.Millisecond // that an event waits for others at most
	holdTime    = 3 * time.Second        // that a departure waits for the return
	maxFlights  = 4                      // batches of one URL that are on their way at a time
	lookahead   = 1000                   // events that are looked through for some whose channel is not on its way
)

// Item is an event as it waits in a queue.
type Item struct {
	Ref     string    // by which a Store knows it
	Kind    Kind      //
	Channel string    //
	User    string    // of a member
	Lane    string    // within which the order is kept
	Text    []byte    // the JSON object
	Due     time.Time // when it may be told; later than it happened for departures
	Mute    bool      // it is not told, and only takes back, or is taken back by, what is
}

// itemOverhead is what an item costs besides its texts, in bytes.
const itemOverhead = 160

func (i *Item) size() int { return len(i.Text) + len(i.Channel) + len(i.User) + itemOverhead }

func (i *Item) subject() subject { return subject{i.Kind, i.Channel, i.User} }

// Batch is what goes out in one request. Events and ID never change.
type Batch struct {
	ID    string
	Items []*Item
	First time.Time // when it was first sent, or is about to be

	sealed bool // the outbox has it
}

// queue is what one URL has yet to be told. It has no lock of its own.
type queue struct {
	limit int // bytes
	bytes int // of all that waits or is on its way

	held    []*Item           // departures, in the order in which they become due
	away    map[subject]*Item // of held, those that have not been taken back
	ready   []*Item
	counts  map[string]*Item // the last count of each channel, as long as it is in ready
	busy    map[string]int   // lanes of batches that are on their way
	flights int
	gone    []*Item // what is not told after all, for the Store; whoever has told it clears this
}

func newQueue(limit int) *queue {
	return &queue{limit: limit, away: make(map[subject]*Item), counts: make(map[string]*Item), busy: make(map[string]int)}
}

// push takes an item in. It returns false if there was no room for it.
func (q *queue) push(i *Item) bool {
	if q.takesBack(i) || q.replaces(i) {
		return true
	}
	if i.Mute && !i.Kind.departs() {
		q.gone = append(q.gone, i)
		return true
	}
	if q.bytes > 0 && q.bytes+i.size() > q.limit {
		return false
	}
	q.bytes += i.size()
	if i.Kind.departs() {
		q.hold(i)
	} else {
		q.add(i)
	}
	return true
}

// takesBack reports that i is the return to a departure which has not been told: then neither is.
func (q *queue) takesBack(i *Item) bool {
	s := i.subject()
	var ok bool
	if s.kind, ok = i.Kind.partner(); !ok || i.Kind.departs() {
		return false
	}
	left := q.away[s]
	if left == nil {
		return false
	}
	delete(q.away, s) // it stays in held until it would have been due
	q.bytes -= left.size()
	q.gone = append(q.gone, left, i)
	return true
}

// replaces reports that i takes the place of a count that is out of date.
func (q *queue) replaces(i *Item) bool {
	if i.Kind != SubscriptionCount {
		return false
	}
	old := q.counts[i.Channel]
	if old == nil {
		return false
	}
	was := *old
	q.gone = append(q.gone, &was)
	q.bytes += i.size() - old.size()
	old.Ref, old.Text = i.Ref, i.Text
	return true
}

// hold keeps a departure until it is due.
func (q *queue) hold(i *Item) {
	if old := q.away[i.subject()]; old != nil {
		q.bytes -= old.size()
		q.gone = append(q.gone, old)
	}
	q.away[i.subject()] = i
	at := len(q.held)
	for at > 0 && q.held[at-1].Due.After(i.Due) {
		at--
	}
	q.held = slices.Insert(q.held, at, i)
}

func (q *queue) add(i *Item) {
	q.ready = append(q.ready, i)
	if i.Kind == SubscriptionCount {
		q.counts[i.Channel] = i
	}
}

// ripen makes ready the departures that are due.
func (q *queue) ripen(now time.Time) {
	n := 0
	for ; n < len(q.held) && !q.held[n].Due.After(now); n++ {
		i := q.held[n]
		if q.away[i.subject()] != i {
			continue // taken back
		}
		delete(q.away, i.subject())
		if i.Mute {
			q.bytes -= i.size()
			q.gone = append(q.gone, i)
			continue
		}
		q.add(i)
	}
	q.held = slices.Delete(q.held, 0, n)
}

// take returns the next batch, or nil if there is none yet: fewer than batchEvents wait as long as the first of them has not waited
// for batchTime, unless all has to go. Its channels are busy until it has landed.
func (q *queue) take(now time.Time, all bool) []*Item {
	q.ripen(now)
	if q.flights >= maxFlights {
		return nil
	}
	free := q.free()
	switch {
	case len(free) == 0:
		return nil
	case len(free) < batchEvents && now.Sub(q.ready[free[0]].Due) < batchTime && !all:
		return nil
	}
	items := make([]*Item, len(free))
	for n, at := range free {
		items[n] = q.ready[at]
		q.ready[at] = nil
	}
	q.ready = slices.DeleteFunc(q.ready, func(i *Item) bool { return i == nil })
	q.depart(items)
	return items
}

// free finds the first events, batchEvents at most, whose lane is not busy.
func (q *queue) free() (places []int) {
	for at := 0; at < min(len(q.ready), lookahead) && len(places) < batchEvents; at++ {
		if q.busy[q.ready[at].Lane] == 0 {
			places = append(places, at)
		}
	}
	return places
}

// depart notes that a batch is on its way.
func (q *queue) depart(items []*Item) {
	q.flights++
	for _, i := range items {
		q.busy[i.Lane]++
		if q.counts[i.Channel] == i {
			delete(q.counts, i.Channel)
		}
	}
}

// land notes that a batch is not on its way any longer.
func (q *queue) land(items []*Item) {
	q.flights--
	for _, i := range items {
		if q.busy[i.Lane]--; q.busy[i.Lane] == 0 {
			delete(q.busy, i.Lane)
		}
		q.bytes -= i.size()
	}
}

// next is when take may have something, as far as only time has to pass for that; ok is false if it is not for time.
func (q *queue) next() (at time.Time, ok bool) {
	if len(q.held) > 0 {
		at, ok = q.held[0].Due, true
	}
	if q.flights >= maxFlights {
		return at, ok
	}
	if free := q.free(); len(free) > 0 {
		if due := q.ready[free[0]].Due.Add(batchTime); !ok || due.Before(at) {
			at, ok = due, true
		}
	}
	return at, ok
}

// waiting returns everything that is not on its way, departures that are not due yet included, in order.
func (q *queue) waiting() []*Item {
	list := slices.Clone(q.ready)
	for _, i := range q.held {
		if q.away[i.subject()] == i {
			list = append(list, i)
		}
	}
	return list
}
