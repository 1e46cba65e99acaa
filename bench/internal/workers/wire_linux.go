package workers

import (
	"net/netip"

	"reverbd/bench/internal/client"
	"reverbd/bench/internal/delivery"
	"reverbd/bench/internal/dialect"
)

// Config is the first line that a worker process reads.
type Config struct {
	Servers     []netip.AddrPort
	Sources     []netip.Addr // empty: see client.NewSources
	Upgrade     []byte
	Compressed  bool
	Baseline    bool // use the dialect of the baseline instead of Pusher's
	Target      dialect.Target
	Messages    dialect.Messages
	Connections int // of the run
	Share       client.Share
	Layout      client.Layout
	Streams     delivery.Streams
	Private     bool // see client.Extra
	RoomSize    int
}

// options returns the options of the fleet that runs the share.
func (c Config) options() client.Options {
	o := client.Options{
		Servers: c.Servers, Sources: client.NewSources(c.Servers[0].Addr(), c.Sources), Upgrade: c.Upgrade, Compressed: c.Compressed,
		Connections: c.Share.Size(c.Connections), Share: c.Share, Layout: c.Layout, Streams: c.Streams,
		Extra: client.NewExtra(c.Target, c.Private, c.RoomSize),
	}
	if c.Baseline {
		o.Dialect = dialect.NewBaseline(c.Target, c.Messages)
	} else {
		o.Dialect = dialect.NewPusher(c.Target, c.Messages)
	}
	return o
}

// request asks a worker process to call a method of its fleet. Every request gets one response.
type request struct {
	Call string
	Most int     `json:",omitempty"`
	Rate float64 `json:",omitempty"`
}

// response is one line of a worker process.
type response struct {
	Progress client.Progress
	Ready    bool            `json:",omitempty"` // it answers a request or the Config; otherwise it only reports progress
	At       int64           `json:",omitempty"` // by clock.Now
	Outcome  *client.Outcome `json:",omitempty"`
}
