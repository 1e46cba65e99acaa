package delivery

import "reverbd/bench/internal/msgid"

// Ranks numbers the messages of several senders in the order in which any receiver first got them. With the rank as a message's
// Order, a Receiver detects whether it gets them in the same order as the others. The zero value is ready for use.
type Ranks struct {
	of map[uint64]uint32
}

// Of returns the rank of a message, from 1.
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
