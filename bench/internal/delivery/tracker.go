package delivery

import "slices"

// Verdict is what a message's number shows about its delivery.
type Verdict uint8

// The verdicts. InOrder and Late are deliveries.
const (
	InOrder   Verdict = iota
	Late              // after a later message of its stream, or of its sender on another channel
	Duplicate         // received before
	Stray             // of a stream that the receiver is not subscribed to
)

// Tracker accounts for one stream at one receiver. The zero value is ready for use.
type Tracker struct {
	last uint32 // highest number so far
	gaps *gaps  // numbers below last that are missing; nil if none is
}

// See records a message's number, from 1. It returns InOrder, Late or Duplicate.
func (t *Tracker) See(seq uint32) Verdict {
	switch {
	case seq == t.last+1:
		t.last = seq
		return InOrder
	case seq > t.last:
		t.skip(seq)
		return InOrder
	case t.gaps != nil && t.gaps.fill(seq):
		return Late
	}
	return Duplicate
}

// skip records a gap between last and seq.
func (t *Tracker) skip(seq uint32) {
	if t.gaps == nil {
		t.gaps = &gaps{}
	}
	*t.gaps = append(*t.gaps, gap{t.last + 1, seq})
	t.last = seq
}

// missed returns how many numbers are missing, except before the first that came.
func (t *Tracker) missed() (n int) {
	if t.gaps == nil {
		return 0
	}
	for _, g := range *t.gaps {
		if g.first > 1 {
			n += int(g.end - g.first)
		}
	}
	return n
}

// gap is the half-open interval [first, end).
type gap struct{ first, end uint32 }

// gaps are the missing numbers of a stream, ascending.
type gaps []gap

// fill removes seq from the gaps, and reports whether it was missing.
func (g *gaps) fill(seq uint32) bool {
	i, found := slices.BinarySearchFunc(*g, seq, func(have gap, seq uint32) int {
		switch {
		case have.end <= seq:
			return -1
		case have.first > seq:
			return 1
		}
		return 0
	})
	if !found {
		return false
	}
	before, after := gap{(*g)[i].first, seq}, gap{seq + 1, (*g)[i].end}
	*g = slices.Delete(*g, i, i+1)
	for _, rest := range []gap{after, before} {
		if rest.first < rest.end {
			*g = slices.Insert(*g, i, rest)
		}
	}
	return true
}
