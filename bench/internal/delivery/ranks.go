package delivery

import "reverbd/bench/internal/msgid"

// Ranks gives the messages of several senders one order: that in which they were first seen by anybody. With ranks as their
// Order, a Receiver finds out whether it sees them in the same order as everybody else. Its zero value is ready.
type Ranks struct {
	of map[uint64]uint32
}

// Of returns the rank of a message, from 1 on.
func (r *Ranks) Of(s msgid.ID) uint32 {
	if r.of == nil {
		r.of = map[uint64]uint32{}
	}
	key := uint64(s.Stream)<<32 | uint64(s.Seq)
	rank, known := r.of[key]
	if !known {
		rank = uint32(len(r.of)) + 1
		r.of[key] = rank
	}
	return rank
}
