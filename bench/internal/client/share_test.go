package client

import "testing"

// TestShares gives every connection to exactly one process, and both of a pair to the same.
func TestShares(t *testing.T) {
	for _, c := range []struct{ total, of, block int }{
		{10, 1, 10}, {10, 3, 10}, {10, 2, 5}, {14, 3, 7}, {7, 7, 7}, {0, 0, 0},
	} {
		owner := map[int]int{}
		for number := range max(c.of, 1) {
			s := Share{Number: number, Of: c.of, Block: c.block}
			for n := range s.Size(c.total) {
				i := s.Index(n)
				if _, taken := owner[i]; taken || i < 0 || i >= c.total {
					t.Errorf("%+v: connection %d is taken or not of the run", c, i)
				}
				owner[i] = number
			}
		}
		if len(owner) != c.total {
			t.Errorf("%+v: %d connections have a process", c, len(owner))
		}
		for i, number := range owner {
			if c.block > 0 && owner[i%c.block] != number {
				t.Errorf("%+v: connections %d and %d are apart", c, i, i%c.block)
			}
		}
	}
}
