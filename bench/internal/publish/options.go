package publish

import (
	"errors"
	"net/netip"
	"time"

	"reverbd/bench/internal/delivery"
	"reverbd/bench/internal/dialect"
	"reverbd/bench/internal/latency"
)

// Options says what is published, and how.
type Options struct {
	Server     netip.AddrPort
	Dialect    dialect.Dialect // the publishers' own
	Publishers int             // connections
	Channels   int             // events go to each in turn
	Streams    delivery.Streams

	Rate     float64       // events a second, of all publishers together; 0 is back to back
	Batch    int           // events in a request, at least 1
	Events   int           // how many there are; 0 is no limit
	Duration time.Duration // no request begins after that time; 0 is no limit
}

// errEndless is a mistake of the program and not of its user.
var errEndless = errors.New("publish: neither a number of events nor a duration")

// Outcome is what was published.
type Outcome struct {
	Accepted []uint32           // events that the server has answered 200 for, by stream
	Failed   int                // events that it has not
	Reasons  map[string]int     // why, by request
	Latency  *latency.Histogram // of a request, from when it was due to its answer
	Took     time.Duration      // from the first request being due to the last answer
}

// Published returns the number of accepted events.
func (o Outcome) Published() (n int) {
	for _, accepted := range o.Accepted {
		n += int(accepted)
	}
	return n
}
