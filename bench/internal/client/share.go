package client

// Share is the part of a run's connections that one of several processes has: in each block of Block connections, every Of-th from
// Number on. So both connections of a pair, which are in different blocks, are in the same process. The zero value is all.
type Share struct {
	Number int // from 0
	Of     int // processes
	Block  int // at least Of
}

// Size returns the number of connections in the share. total is a multiple of Block.
func (s Share) Size(total int) int {
	if s.Of <= 1 {
		return total
	}
	return total / s.Block * s.each()
}

// Index returns the number in the run of the share's n-th connection. Both count from 0.
func (s Share) Index(n int) int {
	if s.Of <= 1 {
		return n
	}
	each := s.each()
	return n/each*s.Block + s.Number + n%each*s.Of
}

// each returns the number of connections in one block.
func (s Share) each() int { return (s.Block - s.Number + s.Of - 1) / s.Of }
