package client

import (
	"math"
	"strconv"

	"reverbd/bench/internal/clock"
	"reverbd/bench/internal/epoll"
	"reverbd/bench/internal/latency"
	"reverbd/bench/internal/stamp"
	"reverbd/bench/internal/tally"
)

// room is the coming and going in the fleet's presence channel. Its residents stay there; each of its guests joins, leaves,
// and joins again as another user. A join or leave has its number in the guest's stream: joins are odd.
type room struct {
	fleet    *Fleet
	timer    *epoll.Timer
	guests   []guest
	ranks    tally.Ranks
	rated    bool
	schedule latency.Schedule
	inside   int // residents
	left     int // how many changes may still begin
	begun    int // changes
	visits   Visits
	scratch  []byte
}

// Visits is what the guests of a presence channel have seen of it, and the residents in the end.
type Visits struct {
	Joins, Leaves int
	WrongCounts   int // answers to a join with a wrong number of members
	WrongRosters  int // residents who in the end know of another number of members than there are
}

// Visit has the guests join and leave, perSecond times a second all together, or if that is 0 each as soon as all residents
// have seen what it did before. It ends with StopVisits or after that many (0 is no limit).
func (f *Fleet) Visit(most int, perSecond float64) {
	f.poller.Call(func() {
		if most == 0 {
			most = math.MaxInt
		}
		r := &f.room
		r.left, r.rated = most, perSecond > 0
		if r.rated {
			r.schedule = latency.NewSchedule(clock.Now(), perSecond)
			r.visitDue()
			return
		}
		for i := range r.guests {
			r.guests[i].next(clock.Now())
		}
	})
}

// StopVisits lets no join or leave begin any more. Afterwards Progress has all that have begun.
func (f *Fleet) StopVisits() {
	f.poller.Call(func() {
		f.room.left = 0
		f.publish()
	})
}

// Visits returns what has been seen of the presence channel. It is of use once everything has arrived.
func (f *Fleet) Visits() (v Visits) {
	f.poller.Call(func() {
		v = f.room.visits
		present := f.room.present()
		for i := range f.room.residents() {
			if c := &f.conns[i]; c.state == live && int(c.members) != present {
				v.WrongRosters++
			}
		}
	})
	return v
}

func (r *room) residents() int { return len(r.fleet.conns) - len(r.guests) }

// present is how many members there are, when nobody comes or goes.
func (r *room) present() int {
	n := r.inside
	for i := range r.guests {
		n += int(r.guests[i].seq & 1)
	}
	return n
}

// enter is told that the server has called a connection by its name. A resident joins, a guest is ready to.
func (r *room) enter(c *conn, socketID []byte) {
	f := r.fleet
	if i := r.place(c); i >= 0 {
		r.guests[i] = guest{room: r, conn: c, number: uint32(i), socketID: append([]byte(nil), socketID...)}
		c.state = live
		f.connectedOne()
		return
	}
	c.receiver = tally.NewReceiver(f.options.Streams, 0, 1)
	c.awaited, c.state = 1, subscribing
	r.scratch = strconv.AppendInt(append(r.scratch[:0], 'r'), int64(c.index), 10)
	f.out = f.options.Room.AppendJoin(f.out[:0], socketID, 0, r.scratch)
	c.write(f.out)
}

// subscribed is told that the server has answered a join.
func (r *room) subscribed(c *conn, answer []byte) {
	c.members = int32(rosterSize(answer))
	switch c.state {
	case subscribing:
		r.inside++
	case live:
		r.guestOf(c).joined()
	}
}

// place is a guest's number, and negative for a resident.
func (r *room) place(c *conn) int { return int(c.index) - r.residents() }

func (r *room) guestOf(c *conn) *guest {
	return &r.guests[r.place(c)]
}

// added is told that somebody has joined. It may be a resident, while the fleet connects.
func (r *room) added(c *conn, message []byte, now int64) {
	c.members++
	if s, ok := stamp.Find(message); ok {
		r.seen(c, s, now)
	}
}

// removed is told that somebody has left.
func (r *room) removed(c *conn, message []byte, now int64) {
	c.members--
	if s, ok := stamp.Find(message); ok {
		s.Seq++ // who left is who had joined just before
		r.seen(c, s, now)
	}
}

// seen enters a change that a resident was told of in the tally.
func (r *room) seen(c *conn, s stamp.Stamp, now int64) {
	if int(s.Stream) >= len(r.guests) || s.Seq == 0 || int(s.Seq) > len(r.guests[s.Stream].times) {
		r.fleet.complaints.add(errNoStamp)
		return
	}
	if r.place(c) >= 0 {
		return // a guest, who sees only what happens while it is there
	}
	g := &r.guests[s.Stream]
	s.Order = r.ranks.Of(s)
	verdict := c.receiver.See(s)
	r.fleet.counts.Add(verdict)
	if verdict == tally.InOrder || verdict == tally.Late {
		r.fleet.latency.Record(now - g.times[s.Seq-1])
		g.seenBy(s.Seq)
	}
}

// visitDue has the guests do what is due, in turn.
func (r *room) visitDue() {
	for r.left > 0 && len(r.guests) > 0 {
		due := r.schedule.Due(r.begun)
		if due > clock.Now() {
			r.timer.Set(due)
			return
		}
		g := &r.guests[r.begun%len(r.guests)]
		r.begun++
		r.left--
		g.due = append(g.due, due)
		g.catchUp()
	}
}
