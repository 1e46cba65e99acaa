package client

// Layout distributes connections over channels.
type Layout struct {
	Channels int
	All      bool // every connection is on every channel; otherwise each is on Each channels, in turn
	Each     int  // a divisor of Channels; 0 is 1
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
	turns := l.Channels / l.each() // connections until the first one's channels come again
	n := connections / turns
	if channel/l.each() < connections%turns {
		n++
	}
	return n
}

func (l Layout) each() int { return max(l.Each, 1) }
