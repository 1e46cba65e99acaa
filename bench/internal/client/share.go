package client

// Share is the part of a run's connections that one of several processes has: every Of-th from Number on, counted anew in
// each block of Block connections, so that pairs of which each is in another block stay together. The zero value is all.
type Share struct {
	Number int // from 0
	Of     int // processes
	Block  int // at least Of
}

// Size returns how many of a run's connections are in it. total is whole blocks.
func (s Share) Size(total int) int {
	if s.Of <= 1 {
		return total
	}
	return total / s.Block * s.each()
}

// Index returns which of the run's connections is the n-th (from 0) of the share.
func (s Share) Index(n int) int {
	if s.Of <= 1 {
		return n
	}
	each := s.each()
	return n/each*s.Block + s.Number + n%each*s.Of
}

// each is how many it has of a block.
func (s Share) each() int { return (s.Block - s.Number + s.Of - 1) / s.Of }
