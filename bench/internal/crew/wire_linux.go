package crew

import (
	"net/netip"

	"reverbd/bench/internal/client"
	"reverbd/bench/internal/dialect"
	"reverbd/bench/internal/tally"
)

// Config is what a process is told first.
type Config struct {
	Servers     []netip.AddrPort
	Sources     []netip.Addr // none leaves it to the load tester
	Upgrade     []byte
	Compressed  bool
	Floor       bool // speak its dialect, and not Pusher's
	Target      dialect.Target
	Messages    dialect.Messages
	Connections int // of the run
	Share       client.Share
	Layout      client.Layout
	Streams     tally.Streams
}

// options is those of the fleet that has the share.
func (c Config) options() client.Options {
	o := client.Options{
		Servers: c.Servers, Sources: client.NewSources(c.Servers[0].Addr(), c.Sources), Upgrade: c.Upgrade, Compressed: c.Compressed,
		Connections: c.Share.Size(c.Connections), Share: c.Share, Layout: c.Layout, Streams: c.Streams,
	}
	if c.Floor {
		o.Dialect = dialect.NewFloor(c.Target, c.Messages)
	} else {
		o.Dialect = dialect.NewPusher(c.Target, c.Messages)
	}
	return o
}

// order is what a process is to do: a method of its fleet. Each is answered.
type order struct {
	Call string
	Most int     `json:",omitempty"`
	Rate float64 `json:",omitempty"`
}

// answer is what a process says.
type answer struct {
	Progress client.Progress
	Ready    bool            `json:",omitempty"` // answers an order, or the Config
	At       int64           `json:",omitempty"` // by clock.Now
	Outcome  *client.Outcome `json:",omitempty"`
	Error    string          `json:",omitempty"`
}
