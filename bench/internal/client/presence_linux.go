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

// presence drives the joins and leaves of the fleet's presence channel. Residents are members that stay; each joiner joins, leaves,
// and joins again as another user. Joins and leaves are the messages of the joiner's stream: joins have odd numbers.
type presence struct {
	fleet    *Fleet
	timer    *epoll.Timer
	joiners  []joiner
	ranks    delivery.Ranks
	rated    bool
	schedule latency.Schedule
	inside   int // residents that are subscribed
	left     int // changes that may still begin
	begun    int // changes that have begun
	result   PresenceResult
	scratch  []byte
}

// PresenceResult is the result of JoinAndLeave.
type PresenceResult struct {
	Joins, Leaves int
	WrongCounts   int // answers to a join with a wrong number of members
	WrongRosters  int // residents with a wrong number of members in the end
}

// JoinAndLeave makes the joiners join and leave, perSecond times a second in all. If that is 0, each joiner begins its next change as
// soon as all residents have received its last one. It ends with StopJoining or after most changes (0 is no limit).
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

// StopJoining stops JoinAndLeave. Progress then has the final number of changes.
func (f *Fleet) StopJoining() {
	f.poller.Call(func() {
		f.presence.left = 0
		f.publish()
	})
}

// PresenceResult returns the result. It is valid once everything has arrived.
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

// present returns the number of members while no change is under way.
func (r *presence) present() int {
	n := r.inside
	for i := range r.joiners {
		n += int(r.joiners[i].seq & 1)
	}
	return n
}

// enter handles connection_established: a resident joins, a joiner becomes ready to.
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

// subscribed handles the answer to a join.
func (r *presence) subscribed(c *conn, answer []byte) {
	c.members = int32(rosterSize(answer))
	switch c.state {
	case subscribing:
		r.inside++
	case live:
		r.joinerOf(c).joined()
	}
}

// place returns a joiner's number; it is negative for a resident.
func (r *presence) place(c *conn) int { return int(c.index) - r.residents() }

func (r *presence) joinerOf(c *conn) *joiner {
	return &r.joiners[r.place(c)]
}

// added handles member_added. While the fleet connects, the member may be a resident.
func (r *presence) added(c *conn, message []byte, now int64) {
	c.members++
	if s, ok := msgid.Find(message); ok {
		r.seen(c, s, now)
	}
}

// removed handles member_removed.
func (r *presence) removed(c *conn, message []byte, now int64) {
	c.members--
	if s, ok := msgid.Find(message); ok {
		s.Seq++ // the user id has the number of the join, and a leave follows it
		r.seen(c, s, now)
	}
}

// seen counts a change that a resident has received.
func (r *presence) seen(c *conn, s msgid.ID, now int64) {
	if int(s.Stream) >= len(r.joiners) || s.Seq == 0 || int(s.Seq) > len(r.joiners[s.Stream].times) {
		r.fleet.outcome.ServerErrors.add(errNoID)
		return
	}
	if r.place(c) >= 0 {
		return // a joiner, which receives changes only while it is a member
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

// changeDue begins the changes that are due, for the joiners in turn.
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
