package bench

import (
	"errors"
	"time"

	"reverbd/bench/internal/client"
	"reverbd/bench/internal/tally"
)

// Scenario is something that a run can do.
type Scenario struct {
	Name     string
	Usage    string  // one line
	Defaults Options // those that depend on the scenario

	prefix    string // of its channels
	all       bool   // every client is on every channel
	sends     bool   // it is about messages
	publishes bool   // which go through the HTTP API
	check     func(Options) error
}

// Scenarios is all there are.
var Scenarios = []Scenario{
	{
		Name:     "connect",
		Usage:    "clients connect and subscribe, each to one channel; then they idle",
		Defaults: Options{Connections: 10_000, Channels: 1},
		prefix:   "bench-",
	},
	{
		Name:     "fanout",
		Usage:    "events to clients that are all subscribed to all channels",
		Defaults: Options{Connections: 1000, Channels: 1, Publishers: 1, Batch: 1, Rate: 20, Size: 100, Duration: 10 * time.Second},
		prefix:   "bench-", all: true, sends: true, publishes: true,
	},
	{
		Name:     "channels",
		Usage:    "events to many small channels, with the clients shared out among them",
		Defaults: Options{Connections: 2000, Channels: 1000, Publishers: 8, Batch: 1, Size: 100, Duration: 10 * time.Second},
		prefix:   "bench-", sends: true, publishes: true,
		check: atLeastOneEach,
	},
	{
		Name:     "whisper",
		Usage:    "client events between pairs on private channels; without --rate each answers the other",
		Defaults: Options{Connections: 1000, Size: 100, Duration: 10 * time.Second},
		prefix:   "private-bench-", sends: true,
		check: inPairs,
	},
}

func find(name string) (Scenario, bool) {
	for _, s := range Scenarios {
		if s.Name == name {
			return s, true
		}
	}
	return Scenario{}, false
}

var (
	errIdleChannels = errors.New("bench: --channels: more than --connections, so that some would have no subscriber")
	errNoPairs      = errors.New("bench: --connections: an even number, and --channels is half of it")
)

func atLeastOneEach(o Options) error {
	if o.Channels > o.Connections {
		return errIdleChannels
	}
	return nil
}

func inPairs(o Options) error {
	if o.Connections != 2*o.Channels {
		return errNoPairs
	}
	return nil
}

// layout says who is on which channel.
func (s Scenario) layout(o Options) client.Layout {
	return client.Layout{Channels: o.Channels, All: s.all}
}

// streams numbers the senders.
func (s Scenario) streams(o Options) tally.Streams {
	if s.publishes || !s.sends {
		return tally.PublisherStreams(o.Channels, max(o.Publishers, 1))
	}
	return tally.PairStreams()
}
