package client

// Layout says which channels a connection is on.
type Layout struct {
	Channels int
	All      bool // every connection is on every channel; otherwise each is on Each channels, in turn
	Each     int  // of which Channels is a multiple; 0 is 1
}

// Of returns the channels of the i-th connection of the run: channels of them, from first on.
func (l Layout) Of(i int) (first, channels int) {
	if l.All {
		return 0, l.Channels
	}
	each := l.each()
	return i % (l.Channels / each) * each, each
}

// Subscribers returns how many of the run's connections are on a channel.
func (l Layout) Subscribers(channel, connections int) int {
	if l.All {
		return connections
	}
	turns := l.Channels / l.each() // until the first connection's channels have their turn again
	n := connections / turns
	if channel/l.each() < connections%turns {
		n++
	}
	return n
}

func (l Layout) each() int { return max(l.Each, 1) }
