package publish

import (
	"errors"
	"net/netip"
	"time"

	"reverbd/bench/internal/delivery"
	"reverbd/bench/internal/dialect"
	"reverbd/bench/internal/latency"
)

// Options are the options of a Publisher.
type Options struct {
	Server     netip.AddrPort
	Dialect    dialect.Dialect // not shared with another goroutine
	Publishers int             // connections
	Channels   int             // used in turn
	Streams    delivery.Streams

	NewConnections bool // each request has a connection of its own, as those of PHP-FPM have

	Rate     float64       // events a second, of all publishers together; 0 is back to back
	Batch    int           // events in a request, at least 1
	Events   int           // how many there are; 0 is no limit
	Duration time.Duration // no request begins after that time; 0 is no limit
}

// errEndless is a mistake in the program, not of the user.
var errEndless = errors.New("publish: neither a number of events nor a duration")

// Outcome is the result of Run.
type Outcome struct {
	Accepted []uint32           // events that the server has answered with 200, by stream
	Failed   int                // other events
	Reasons  map[string]int     // why requests failed
	Latency  *latency.Histogram // of requests: from when one was due to its answer
	Took     time.Duration      // from the first request being due to the last answer
}

// Published returns the number of accepted events.
func (o Outcome) Published() (n int) {
	for _, accepted := range o.Accepted {
		n += int(accepted)
	}
	return n
}
