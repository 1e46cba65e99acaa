package client

import (
	"math"
	"strconv"

	"reverbd/bench/internal/clock"
	"reverbd/bench/internal/delivery"
	"reverbd/bench/internal/epoll"
	"reverbd/bench/internal/latency"
	"reverbd/bench/internal/msgid"
)

// presence is the coming and going in the fleet's presence channel. Its residents stay there; each of its joiners joins, leaves,
// and joins again as another user. A join or leave has its number in the joiner's stream: joins are odd.
type presence struct {
	fleet    *Fleet
	timer    *epoll.Timer
	joiners  []joiner
	ranks    delivery.Ranks
	rated    bool
	schedule latency.Schedule
	inside   int // residents
	left     int // how many changes may still begin
	begun    int // changes
	result   PresenceResult
	scratch  []byte
}

// PresenceResult is what the joiners of a presence channel have seen of it, and the residents in the end.
type PresenceResult struct {
	Joins, Leaves int
	WrongCounts   int // answers to a join with a wrong number of members
	WrongRosters  int // residents who in the end know of another number of members than there are
}

// JoinAndLeave has the joiners join and leave, perSecond times a second all together, or if that is 0 each as soon as all residents
// have seen what it did before. It ends with StopJoining or after that many (0 is no limit).
func (f *Fleet) JoinAndLeave(most int, perSecond float64) {
	f.poller.Call(func() {
		if most == 0 {
			most = math.MaxInt
		}
		r := &f.presence
		r.left, r.rated = most, perSecond > 0
		if r.rated {
			r.schedule = latency.NewSchedule(clock.Now(), perSecond)
			r.changeDue()
			return
		}
		for i := range r.joiners {
			r.joiners[i].next(clock.Now())
		}
	})
}

// StopJoining lets no join or leave begin any more. Afterwards Progress has all that have begun.
func (f *Fleet) StopJoining() {
	f.poller.Call(func() {
		f.presence.left = 0
		f.publish()
	})
}

// PresenceResult returns what has been seen of the presence channel. It is of use once everything has arrived.
func (f *Fleet) PresenceResult() (v PresenceResult) {
	f.poller.Call(func() {
		v = f.presence.result
		present := f.presence.present()
		for i := range f.presence.residents() {
			if c := &f.conns[i]; c.state == live && int(c.members) != present {
				v.WrongRosters++
			}
		}
	})
	return v
}

func (r *presence) residents() int { return len(r.fleet.conns) - len(r.joiners) }

// present is how many members there are, when nobody comes or goes.
func (r *presence) present() int {
	n := r.inside
	for i := range r.joiners {
		n += int(r.joiners[i].seq & 1)
	}
	return n
}

// enter is told that the server has called a connection by its name. A resident joins, a joiner is ready to.
func (r *presence) enter(c *conn, socketID []byte) {
	f := r.fleet
	if i := r.place(c); i >= 0 {
		r.joiners[i] = joiner{presence: r, conn: c, number: uint32(i), socketID: append([]byte(nil), socketID...)}
		c.state = live
		f.connectedOne()
		return
	}
	c.receiver = delivery.NewReceiver(f.options.Streams, 0, 1)
	c.awaited, c.state = 1, subscribing
	r.scratch = strconv.AppendInt(append(r.scratch[:0], 'r'), int64(c.index), 10)
	f.out = f.options.Room.AppendJoin(f.out[:0], socketID, 0, r.scratch)
	c.write(f.out)
}

// subscribed is told that the server has answered a join.
func (r *presence) subscribed(c *conn, answer []byte) {
	c.members = int32(rosterSize(answer))
	switch c.state {
	case subscribing:
		r.inside++
	case live:
		r.joinerOf(c).joined()
	}
}

// place is a joiner's number, and negative for a resident.
func (r *presence) place(c *conn) int { return int(c.index) - r.residents() }

func (r *presence) joinerOf(c *conn) *joiner {
	return &r.joiners[r.place(c)]
}

// added is told that somebody has joined. It may be a resident, while the fleet connects.
func (r *presence) added(c *conn, message []byte, now int64) {
	c.members++
	if s, ok := msgid.Find(message); ok {
		r.seen(c, s, now)
	}
}

// removed is told that somebody has left.
func (r *presence) removed(c *conn, message []byte, now int64) {
	c.members--
	if s, ok := msgid.Find(message); ok {
		s.Seq++ // who left is who had joined just before
		r.seen(c, s, now)
	}
}

// seen counts a change that a resident was told of.
func (r *presence) seen(c *conn, s msgid.ID, now int64) {
	if int(s.Stream) >= len(r.joiners) || s.Seq == 0 || int(s.Seq) > len(r.joiners[s.Stream].times) {
		r.fleet.outcome.ServerErrors.add(errNoID)
		return
	}
	if r.place(c) >= 0 {
		return // a joiner, who sees only what happens while it is there
	}
	j := &r.joiners[s.Stream]
	s.Order = r.ranks.Of(s)
	verdict := c.receiver.See(s)
	r.fleet.outcome.Counts.Add(verdict)
	if verdict == delivery.InOrder || verdict == delivery.Late {
		r.fleet.outcome.Latency.Record(now - j.times[s.Seq-1])
		j.seenBy(s.Seq)
	}
}

// changeDue has the joiners do what is due, in turn.
func (r *presence) changeDue() {
	for r.left > 0 && len(r.joiners) > 0 {
		due := r.schedule.Due(r.begun)
		if due > clock.Now() {
			r.timer.Set(due)
			return
		}
		j := &r.joiners[r.begun%len(r.joiners)]
		r.begun++
		r.left--
		j.due = append(j.due, due)
		j.catchUp()
	}
}
