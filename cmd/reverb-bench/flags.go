package main

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/urfave/cli/v2"

	"reverbd/bench"
)

// flags returns the flags of a scenario, with its defaults.
func flags(s bench.Scenario) []cli.Flag {
	d := s.Defaults
	flags := []cli.Flag{
		&cli.StringSliceFlag{
			Name: "url", Value: cli.NewStringSlice("ws://127.0.0.1:8080"),
			Usage: "the server, with the path that its routes are below, if any; given several times, nodes of one cluster: the clients take them in turn, and events go to the first",
		},
		&cli.StringFlag{Name: "app-id", Value: "app-id", EnvVars: []string{"REVERB_APP_ID"}, Usage: "the app on it"},
		&cli.StringFlag{Name: "key", Value: "app-key", EnvVars: []string{"REVERB_APP_KEY"}, Usage: "the app's key"},
		&cli.StringFlag{Name: "secret", Value: "app-secret", EnvVars: []string{"REVERB_APP_SECRET"}, Usage: "the app's secret"},
		&cli.IntFlag{Name: "connections", Value: d.Connections, Usage: "clients"},
	}
	if d.Joiners > 0 {
		flags = append(flags, &cli.IntFlag{Name: "joiners", Value: d.Joiners, Usage: "further clients, which join and leave"})
	}
	if d.Slow > 0 {
		flags = append(flags, &cli.IntFlag{Name: "slow", Value: d.Slow, Usage: "further clients, which stop reading"})
	}
	if d.Channels > 0 {
		flags = append(flags, &cli.IntFlag{Name: "channels", Value: d.Channels, Usage: "channels they subscribe to"})
	}
	if d.Each > 0 {
		flags = append(flags, &cli.IntFlag{Name: "each", Value: d.Each, Usage: "channels that each client subscribes to"})
	}
	if d.Publishers > 0 {
		flags = append(flags, &cli.IntFlag{Name: "publishers", Value: d.Publishers, Usage: "connections to the HTTP API"},
			&cli.BoolFlag{Name: "new-connections", Usage: "publishers connect for every request, as PHP-FPM does"})
	}
	if d.Batch > 0 {
		flags = append(flags,
			&cli.IntFlag{Name: "batch", Value: d.Batch, Usage: "events in each request to it"},
			&cli.IntFlag{Name: "baseline-batch", Usage: "events in each request to the baseline; 0: as many as in one to the server"})
	}
	if s.Name == "storm" {
		flags = append(flags,
			&cli.IntFlag{Name: "subscriptions", Usage: "channels that each client subscribes to; the same as --channels"},
			&cli.BoolFlag{Name: "private", Usage: "each client also subscribes to a private channel of its own"},
			&cli.IntFlag{Name: "presence", Usage: "a tenth of the clients also join presence channels of so many members"})
	}
	flags = append(flags, timing(s)...)
	flags = append(flags, &cli.BoolFlag{Name: "compression", Usage: "negotiate compression; the baseline does not compress"})
	if s.Shared() {
		flags = append(flags, &cli.IntFlag{Name: "processes", Value: 1, Usage: "processes to share the clients out among, for more than one may have descriptors"})
	}
	return append(flags,
		&cli.IntSliceFlag{Name: "server-pid", Usage: "process of the server, to measure its CPU and memory; several are added up"},
		&cli.BoolFlag{Name: "baseline", Usage: "also measure the baseline, a program that makes only the system calls that any server must make for the same bytes, and show the ratio"},
		&cli.IntFlag{Name: "repeat", Value: 1, Usage: "carry the scenario out so many times, and show the medians"},
		&cli.DurationFlag{Name: "settle", Value: time.Second, Usage: "how long the server must be idle before its memory is read"},
		&cli.StringSliceFlag{Name: "source", Usage: "address to connect from; default: spread over 127.0.0.0/8 for a server on this machine"},
		&cli.StringFlag{Name: "html", Usage: "also write the report as one HTML page with plots, to this `FILE`"},
		&cli.BoolFlag{Name: "json", Usage: "write the report as JSON, for programs and for --compare"})
}

// timing returns the flags that say how fast and for how long.
func timing(s bench.Scenario) []cli.Flag {
	d := s.Defaults
	switch {
	case d.PingInterval > 0:
		return []cli.Flag{
			&cli.DurationFlag{Name: "ping-interval", Value: d.PingInterval, Usage: "between two pings of a client"},
			&cli.DurationFlag{Name: "duration", Value: d.Duration, Usage: "how long to idle"},
		}
	case d.Duration == 0:
		return []cli.Flag{&cli.Float64Flag{Name: "rate", Usage: "connections a second; 0: as fast as the server takes them"}}
	}
	var flags []cli.Flag
	if s.Name != "all" {
		flags = append(flags, &cli.Float64Flag{Name: "rate", Value: d.Rate, Usage: "messages a second in all; 0: each as soon as the one before is answered"})
	}
	flags = append(flags, &cli.DurationFlag{Name: "duration", Value: d.Duration, Usage: "how long to send; 0: no limit but --events"})
	if !s.Timed {
		flags = append(flags, &cli.IntFlag{Name: "events", Usage: "messages to send in all; 0: no limit but --duration"})
	}
	if d.Size > 0 {
		flags = append(flags, &cli.IntFlag{Name: "size", Value: d.Size, Usage: "bytes of a message's data"})
	}
	return flags
}

// options returns the options that the flags set.
func options(c *cli.Context, s bench.Scenario) (bench.Options, error) {
	o := bench.Options{
		URLs: c.StringSlice("url"), AppID: c.String("app-id"), Key: c.String("key"), Secret: c.String("secret"),
		Scenario: s.Name, Connections: c.Int("connections"), Channels: c.Int("channels"),
		Publishers: c.Int("publishers"), Batch: c.Int("batch"), BaselineBatch: c.Int("baseline-batch"),
		Events: c.Int("events"), Duration: c.Duration("duration"), Rate: c.Float64("rate"), Size: c.Int("size"),
		ServerPIDs: c.IntSlice("server-pid"), Baseline: c.Bool("baseline"), Repeat: c.Int("repeat"), Processes: c.Int("processes"), Settle: c.Duration("settle"),
		Compress: c.Bool("compression"), NewConns: c.Bool("new-connections"), Private: c.Bool("private"), RoomSize: c.Int("presence"),
		PingInterval: c.Duration("ping-interval"),
		Version:      version, Self: self,
	}
	if c.IsSet("subscriptions") {
		o.Channels = c.Int("subscriptions")
	}
	if s.Defaults.Channels == 0 {
		o.Channels = 1
	}
	if s.Defaults.Batch == 0 {
		o.Batch = 1
	}
	if s.Defaults.Each > 0 {
		o.Each = c.Int("each")
	}
	if s.Defaults.Joiners > 0 {
		o.Joiners = c.Int("joiners")
	}
	if s.Defaults.Slow > 0 {
		o.Slow = c.Int("slow")
	}
	if s.Name == "whisper" {
		o.Channels = o.Connections / 2 // one for each pair
	}
	if c.IsSet("events") && !c.IsSet("duration") {
		o.Duration = 0
	}
	for _, text := range c.StringSlice("source") {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return o, fmt.Errorf("--source: %w", err)
		}
		o.Sources = append(o.Sources, a)
	}
	return o, nil
}
