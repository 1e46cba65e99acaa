package delivery

import "slices"

// Verdict is what a message's number says about it.
type Verdict uint8

// What a message can be. Of these, only Duplicate is not a delivery.
const (
	InOrder   Verdict = iota
	Late              // it has been overtaken by a later message of its stream, or of its sender on another channel
	Duplicate         // it had arrived before
	Stray             // it belongs to a stream that the receiver has not subscribed to
)

// Tracker follows one stream at one receiver. Its zero value is ready.
type Tracker struct {
	last uint32 // highest number seen
	gaps *gaps  // what is missing below; nil while nothing is
}

// See takes note of the message with that number, from 1 on. It returns InOrder, Late or Duplicate.
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

// skip notes that everything between last and seq is missing.
func (t *Tracker) skip(seq uint32) {
	if t.gaps == nil {
		t.gaps = &gaps{}
	}
	*t.gaps = append(*t.gaps, gap{t.last + 1, seq})
	t.last = seq
}

// missed counts what is missing, but for what is in front of all that came.
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

// gap is the numbers from first up to, not including, end.
type gap struct{ first, end uint32 }

// gaps is what is missing from a stream, ascending.
type gaps []gap

// fill takes seq out, and reports whether it was missing.
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
