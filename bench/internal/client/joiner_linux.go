package client

import (
	"reverbd/bench/internal/clock"
	"reverbd/bench/internal/msgid"
)

// joiner is a connection that joins and leaves a presence channel repeatedly.
type joiner struct {
	presence *presence
	conn     *conn
	number   uint32
	socketID []byte
	seq      uint32  // number of the last change; odd numbers are joins
	times    []int64 // when each change was due
	due      []int64 // changes that wait for the answer to a join
	joining  bool    // a join has no answer yet
	seen     int     // residents that have received the last change
	others   []other // the other joiners when the last join began
}

// other is the state of another joiner at a given time.
type other struct {
	seq    uint32
	steady bool // the server has certainly carried out the last change
}

// next begins the next change, unless the limit is reached. It is for joiners without a schedule.
func (j *joiner) next(due int64) {
	if r := j.presence; r != nil && r.left > 0 { // nil: it has not connected
		r.left--
		j.change(due)
	}
}

// catchUp begins the changes that are due, until one must wait for an answer.
func (j *joiner) catchUp() {
	for len(j.due) > 0 && !j.joining && j.presence != nil {
		due := j.due[0]
		j.due = j.due[1:]
		j.change(due)
	}
}

// change joins or leaves.
func (j *joiner) change(due int64) {
	f := j.presence.fleet
	j.seq++
	j.seen = 0
	j.times = append(j.times, due)
	f.now.sent++
	if j.seq&1 == 0 {
		j.presence.result.Leaves++
		f.out = f.options.Room.AppendLeave(f.out[:0], 0)
	} else {
		j.presence.result.Joins++
		j.joining = true
		j.look()
		id := msgid.ID{Stream: j.number, Seq: j.seq, Time: due}.Append(nil)
		f.out = f.options.Room.AppendJoin(f.out[:0], j.socketID, 0, id)
	}
	if j.conn.state == live {
		j.conn.write(f.out)
	}
}

// look records the state of the other joiners.
func (j *joiner) look() {
	j.others = j.others[:0]
	for i := range j.presence.joiners {
		o := &j.presence.joiners[i]
		steady := o.seq == 0 || o.seen > 0 || o.seq&1 == 1 && !o.joining
		j.others = append(j.others, other{o.seq, steady})
	}
}

// joined handles the answer to a join. It checks the number of members exactly, except for joiners that joined or left meanwhile.
func (j *joiner) joined() {
	if !j.joining {
		return
	}
	j.joining = false
	least := j.presence.inside + 1
	most := least
	for i, before := range j.others {
		if uint32(i) == j.number {
			continue
		}
		if o := &j.presence.joiners[i]; !before.steady || o.seq != before.seq {
			most++
		} else if o.seq&1 == 1 {
			least++
			most++
		}
	}
	if n := int(j.conn.members); n < least || n > most {
		j.presence.result.WrongCounts++
	}
	j.goOn()
}

// seenBy counts a resident that has received the change seq.
func (j *joiner) seenBy(seq uint32) {
	if seq != j.seq {
		return
	}
	j.seen++
	j.goOn()
}

// goOn begins the next change if nothing must be waited for.
func (j *joiner) goOn() {
	if j.presence.rated {
		j.catchUp()
		return
	}
	if !j.joining && j.seen >= j.presence.inside {
		j.next(clock.Now())
	}
}
