package bench

import (
	"errors"
	"fmt"
	"time"

	"reverbd/bench/internal/client"
	"reverbd/bench/internal/delivery"
)

// Scenario is what the clients and publishers of a run do.
type Scenario struct {
	Name     string
	Usage    string  // one line
	Defaults Options // of the options that depend on the scenario

	Timed      bool // only Duration ends it, not Events
	NoBaseline bool // it has no baseline

	prefix    string // of its channels
	all       bool   // every client is on every channel
	sends     bool   // messages are sent
	publishes bool   // the messages are published through the HTTP API
	storms    bool   // before that all clients reconnect
	idles     bool   // clients are pinged, and nothing else happens
	untilLast bool   // it is measured how long an event takes to its last subscriber
	whole     bool   // it consists of others
	check     func(Options) error
}

// Scenarios are all scenarios.
var Scenarios = []Scenario{
	{
		Name:     "connect",
		Usage:    "clients connect and subscribe, each to one channel; then they idle",
		Defaults: Options{Connections: 10_000, Channels: 1},
		prefix:   "bench-",
	},
	{
		Name:     "idle",
		Usage:    "connected clients that do nothing but ping the server",
		Defaults: Options{Connections: 10_000, Channels: 1, PingInterval: 25 * time.Second, Duration: 30 * time.Second},
		prefix:   "bench-", NoBaseline: true, Timed: true, idles: true,
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
		Defaults: Options{Connections: 2000, Channels: 1000, Each: 1, Publishers: 8, Batch: 1, Size: 100, Duration: 10 * time.Second},
		prefix:   "bench-", sends: true, publishes: true,
		check: atLeastOneEach,
	},
	{
		Name:     "publish",
		Usage:    "events to small channels, as web servers publish them: with --new-connections each request has a connection of its own",
		Defaults: Options{Connections: 200, Channels: 100, Publishers: 4, Batch: 1, Size: 100, Duration: 10 * time.Second},
		prefix:   "bench-", sends: true, publishes: true, untilLast: true,
		check: atLeastOneEach,
	},
	{
		Name:     "whisper",
		Usage:    "client events between pairs on private channels; without --rate each answers the other",
		Defaults: Options{Connections: 1000, Size: 100, Duration: 10 * time.Second},
		prefix:   "private-bench-", sends: true,
		check: inPairs,
	},
	{
		Name:     "presence",
		Usage:    "further clients join a presence channel of many members and leave it, one after the other",
		Defaults: Options{Connections: 1000, Joiners: 1, Rate: 20, Duration: 10 * time.Second},
		prefix:   "presence-bench-", NoBaseline: true, all: true, sends: true,
		check: oneRoom,
	},
	{
		Name:     "storm",
		Usage:    "all clients disconnect and reconnect at once; then events show whether all are subscribed",
		Defaults: Options{Connections: 5000, Channels: 1, Publishers: 1, Batch: 1, Rate: 5, Size: 100, Duration: 2 * time.Second},
		prefix:   "bench-", all: true, sends: true, publishes: true, storms: true,
	},
	{
		Name: "soak",
		Usage: "fan-out, channels, whispers, and clients that keep reconnecting, all at the same time; then no clients, and a look at " +
			"what the server still holds",
		Defaults: Options{Connections: 1000, Publishers: 2, Rate: 400, Size: 100, Duration: 30 * time.Second},
		prefix:   "private-bench-", sends: true, publishes: true, whole: true, Timed: true, NoBaseline: true,
		check: fourParts,
	},
	{
		Name:     "ping",
		Usage:    "how long another connection waits for a pong while events go without a pause to a tenth of the clients, and to all",
		Defaults: Options{Connections: 10_000, Publishers: 1, Size: 100, Duration: 5 * time.Second},
		prefix:   "bench-", all: true, sends: true, publishes: true, whole: true, Timed: true, NoBaseline: true,
		check: tenths,
	},
	{
		Name:     "slow",
		Usage:    "whether the server disconnects clients that stop reading, and how that changes the latency of the others, while events go to all",
		Defaults: Options{Connections: 100, Slow: 1, Publishers: 1, Rate: 250, Size: 4000, Duration: 20 * time.Second},
		prefix:   "bench-", all: true, sends: true, publishes: true, whole: true, Timed: true, NoBaseline: true,
		check: someSlow,
	},
	{
		Name:     allName,
		Usage:    "all of the above, of a moderate size: about a minute and a half",
		Defaults: Options{Connections: 2000, Duration: 5 * time.Second},
		Timed:    true,
		check:    enough,
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
	errIdleChannels = errors.New("bench: --channels: more than --connections times --each, so that some would have no subscriber")
	errUneven       = errors.New("bench: --each: --channels must be a multiple of it")
	errManyRooms    = errors.New("bench: --channels: there is one, which all join")
	errFewParts     = errors.New("bench: --connections: at least 40, which are shared out among the parts")
	errNoTenth      = fmt.Errorf("bench: --connections: at least %d", minPingConnections)
	errNobodySlow   = fmt.Errorf("bench: --slow: from 1 to %d", maxExtraClients)
	errNoRate       = errors.New("bench: --rate: more than 0")
	errNoPairs      = errors.New("bench: --connections: an even number, and --channels is half of it")
)

func atLeastOneEach(o Options) error {
	each := max(o.Each, 1)
	switch {
	case o.Each < 0 || o.Each > maxEach:
		return fmt.Errorf("bench: --each %d: from 1 to %d", o.Each, maxEach)
	case o.Channels%each != 0:
		return errUneven
	case o.Channels > o.Connections*each:
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

func oneRoom(o Options) error {
	var all []error
	if o.Channels != 1 {
		all = append(all, errManyRooms)
	}
	if o.Joiners <= 0 || o.Joiners > maxExtraClients {
		all = append(all, fmt.Errorf("bench: --joiners %d: from 1 to %d", o.Joiners, maxExtraClients))
	}
	return errors.Join(all...)
}

func fourParts(o Options) error {
	var all []error
	if o.Connections < 40 {
		all = append(all, errFewParts)
	}
	if o.Rate <= 0 {
		all = append(all, errNoRate)
	}
	return errors.Join(all...)
}

// minPingConnections is the least number of clients that has a tenth.
const minPingConnections = 10

func tenths(o Options) error {
	if o.Connections < minPingConnections {
		return errNoTenth
	}
	return nil
}

func someSlow(o Options) error {
	if o.Slow <= 0 || o.Slow > maxExtraClients {
		return errNobodySlow
	}
	return nil
}

// layout returns the distribution of clients over channels.
func (s Scenario) layout(o Options) client.Layout {
	return client.Layout{Channels: o.Channels, All: s.all, Each: o.Each}
}

// streams returns the numbering of the senders' streams.
func (s Scenario) streams(o Options) delivery.Streams {
	if o.Joiners > 0 {
		return delivery.PresenceStreams(o.Joiners)
	}
	if s.publishes || !s.sends {
		return delivery.PublisherStreams(o.Channels, max(o.Publishers, 1))
	}
	return delivery.PairStreams()
}
