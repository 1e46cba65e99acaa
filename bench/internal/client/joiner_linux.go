package client

import (
	"reverbd/bench/internal/clock"
	"reverbd/bench/internal/msgid"
)

// joiner is a connection that joins a presence channel and leaves it, again and again.
type joiner struct {
	presence *presence
	conn     *conn
	number   uint32
	socketID []byte
	seq      uint32  // changes begun: it is inside while this is odd
	times    []int64 // when each of them was due
	due      []int64 // changes that must wait for the answer to a join
	joining  bool    // not answered yet
	seen     int     // residents that have seen the last change
	others   []other // when the last join began
}

// other is what a joiner that joins knows of another.
type other struct {
	seq    uint32
	steady bool // the server is known to have carried out the last change
}

// next begins the next change, unless no more are to begin. It is for joiners that do not follow a schedule.
func (g *joiner) next(due int64) {
	if r := g.presence; r != nil && r.left > 0 { // one without a room has not connected
		r.left--
		g.change(due)
	}
}

// catchUp begins what is due, as far as nothing is to be waited for.
func (g *joiner) catchUp() {
	for len(g.due) > 0 && !g.joining && g.presence != nil {
		due := g.due[0]
		g.due = g.due[1:]
		g.change(due)
	}
}

// change joins or leaves.
func (g *joiner) change(due int64) {
	f := g.presence.fleet
	g.seq++
	g.seen = 0
	g.times = append(g.times, due)
	f.now.sent++
	if g.seq&1 == 0 {
		g.presence.result.Leaves++
		f.out = f.options.Room.AppendLeave(f.out[:0], 0)
	} else {
		g.presence.result.Joins++
		g.joining = true
		g.look()
		id := msgid.ID{Stream: g.number, Seq: g.seq, Time: due}.Append(nil)
		f.out = f.options.Room.AppendJoin(f.out[:0], g.socketID, 0, id)
	}
	if g.conn.state == live {
		g.conn.write(f.out)
	}
}

// look remembers where the others are.
func (g *joiner) look() {
	g.others = g.others[:0]
	for i := range g.presence.joiners {
		o := &g.presence.joiners[i]
		steady := o.seq == 0 || o.seen > 0 || o.seq&1 == 1 && !o.joining
		g.others = append(g.others, other{o.seq, steady})
	}
}

// joined is told that the server has answered the join, and checks the number of members: exactly, but for joiners that came
// or went meanwhile.
func (g *joiner) joined() {
	if !g.joining {
		return
	}
	g.joining = false
	least := g.presence.inside + 1
	most := least
	for i, before := range g.others {
		if uint32(i) == g.number {
			continue
		}
		if o := &g.presence.joiners[i]; !before.steady || o.seq != before.seq {
			most++
		} else if o.seq&1 == 1 {
			least++
			most++
		}
	}
	if n := int(g.conn.members); n < least || n > most {
		g.presence.result.WrongCounts++
	}
	g.goOn()
}

// seenBy is told that one more resident has seen a change.
func (g *joiner) seenBy(seq uint32) {
	if seq != g.seq {
		return
	}
	g.seen++
	g.goOn()
}

// goOn does what comes next, if it need not wait.
func (g *joiner) goOn() {
	if g.presence.rated {
		g.catchUp()
		return
	}
	if !g.joining && g.seen >= g.presence.inside {
		g.next(clock.Now())
	}
}
