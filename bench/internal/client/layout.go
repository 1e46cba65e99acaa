package client

// Layout says which channels a connection is on.
type Layout struct {
	Channels int
	All      bool // every connection on every channel; otherwise each on one, in turn
}

// Of returns the channels of the i-th connection of the run: that many, from first on.
func (l Layout) Of(i int) (first, channels int) {
	if l.All {
		return 0, l.Channels
	}
	return i % l.Channels, 1
}

// Subscribers returns how many of that many connections are on a channel.
func (l Layout) Subscribers(channel, connections int) int {
	if l.All {
		return connections
	}
	n := connections / l.Channels
	if channel < connections%l.Channels {
		n++
	}
	return n
}
