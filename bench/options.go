package bench

import (
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"time"

	"reverbd/bench/internal/dialect"
)

// Options are the options of a run.
type Options struct {
	URLs               []string // of the server: ws://host:port, with a path if its routes are below one; several are nodes of one cluster
	AppID, Key, Secret string   // of an app on it

	Scenario    string        // one of Scenarios
	Connections int           // clients
	Channels    int           // that they subscribe to; see the scenario for who is on which
	Each        int           // channels of each client, where these are shared out; 0 is 1
	Joiners     int           // further clients, that join a presence channel and leave it again
	Slow        int           // further clients, that stop reading
	Private     bool          // each client is on a private channel of its own too
	RoomSize    int           // a tenth of the clients are in presence channels of so many members too; 0: none is
	Publishers  int           // connections to the HTTP API
	NewConns    bool          // publishers connect for every request
	Batch       int           // events in a request to it
	Events      int           // messages in all; 0 is no limit but Duration
	Duration    time.Duration // for which messages are sent; 0 is no limit but Events
	Rate        float64       // messages a second, of all senders together, or connections in scenarios about these; 0 is as fast as the server takes them
	Size        int           // of a message's data, in bytes

	PingInterval time.Duration // between two pings of a client that idles

	ServerPIDs    []int         // the server's processes, whose usage is measured; none for a server on another machine
	Baseline      bool          // measure the baseline too, after each run
	BaselineBatch int           // events in a request to the baseline; 0 is Batch
	Repeat        int           // runs of the scenario
	Settle        time.Duration // how long the server must be idle before its memory is read
	StallTimeout  time.Duration // how long a run waits without any progress; 0 is 10 s
	Compress      bool          // clients offer permessage-deflate, and fail if the server does not accept it
	Processes     int           // processes that run the clients; 0 is 1
	Sources       []netip.Addr  // to connect from, in turn; empty: see client.NewSources

	Version string                          // of the program, for the report
	Self    func(name string) *exec.Cmd     // returns a command that runs this program as one of Subprograms
	Watch   func(what string, done, of int) // called with the progress, a few times a second; of is 0 if the total is unknown
}

// Upper limits of options.
const (
	maxConnections  = 1_000_000
	maxChannels     = 10_000_000
	maxEach         = 1000
	maxPublishers   = 1000
	maxExtraClients = 1000
	maxBatch        = 1000
	maxSize         = 512 << 10
	maxRoomSize     = 10_000
)

// Validate returns all errors in the options, joined.
func (o Options) Validate() error {
	s, known := find(o.Scenario)
	if !known {
		return fmt.Errorf("bench: there is no scenario %q", o.Scenario)
	}
	var all []error
	check := func(ok bool, format string, a ...any) {
		if !ok {
			all = append(all, fmt.Errorf("bench: "+format, a...))
		}
	}
	check(len(o.URLs) > 0, "--url is missing")
	check(o.Connections > 0 && o.Connections <= maxConnections, "--connections %d: from 1 to %d", o.Connections, maxConnections)
	check(o.Rate >= 0 && o.Rate <= 1e9, "--rate %v: 0 for as fast as it goes, or so many a second", o.Rate)
	check(o.BaselineBatch >= 0 && o.BaselineBatch <= maxBatch, "--baseline-batch %d: from 1 to %d", o.BaselineBatch, maxBatch)
	all = append(all, o.checkProcesses(s))
	check(o.Repeat > 0, "--repeat %d: at least 1", o.Repeat)
	check(o.Settle >= 0, "--settle %v: no less than 0", o.Settle)
	check(o.Channels > 0 && o.Channels <= maxChannels, "--channels %d: from 1 to %d", o.Channels, maxChannels)
	for name, value := range map[string]string{"app-id": o.AppID, "key": o.Key, "secret": o.Secret} {
		check(value != "", "--%s is missing", name)
	}
	check(plain(o.AppID) && plain(o.Key), "--app-id and --key are letters, digits, hyphens, underscores and dots")
	if s.Defaults.Size > 0 {
		check(o.Size >= dialect.MinSize && o.Size <= maxSize, "--size %d: from %d to %d bytes", o.Size, dialect.MinSize, maxSize)
	}
	if s.sends {
		check(o.Events >= 0 && o.Duration >= 0, "--events and --duration are no less than 0")
		check(o.Events > 0 || o.Duration > 0, "--events or --duration must say when to stop")
	}
	if s.publishes {
		check(o.Publishers > 0 && o.Publishers <= maxPublishers, "--publishers %d: from 1 to %d", o.Publishers, maxPublishers)
		check(o.Batch > 0 && o.Batch <= maxBatch, "--batch %d: from 1 to %d", o.Batch, maxBatch)
	}
	check(!s.idles || o.PingInterval >= time.Second, "--ping-interval %v: at least 1s", o.PingInterval)
	check(o.RoomSize >= 0 && o.RoomSize <= maxRoomSize, "--presence %d: from 1 to %d", o.RoomSize, maxRoomSize)
	check(!o.Baseline || !o.Private && o.RoomSize == 0, "--baseline: it knows neither --private nor --presence")
	check(!s.Timed || o.Duration > 0, "--duration says when to stop")
	check(!s.NoBaseline || !o.Baseline, "--baseline: there is none for this scenario")
	if s.check != nil {
		all = append(all, s.check(o))
	}
	return errors.Join(all...)
}

// plain reports whether a text needs no encoding in a URL.
func plain(text string) bool {
	for _, r := range text {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '_', r == '.':
		default:
			return false
		}
	}
	return true
}
