package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"reverbd/apps"
	"reverbd/broadcast"
	"reverbd/cmd/reverbd/config"
	"reverbd/cmd/reverbd/debuglog"
	"reverbd/eventloop"
	"reverbd/eventloop/listen"
)

// shutdownTime is how long clients may take to leave once a signal has come. With what stopping the engine takes it stays
// under ten seconds.
const shutdownTime = 8 * time.Second

// sweepInterval is how often expired cached events are looked for.
const sweepInterval = 5 * time.Second

// serve composes the server and runs it until ctx is done.
func serve(ctx context.Context, conf config.Config) error {
	log := newLogger()
	for _, note := range conf.Notes {
		log.Info(note)
	}
	if err := checkMachine(ctx, conf, log); err != nil {
		return err
	}
	others, err := newCluster(conf, log)
	if err != nil {
		return err
	}
	hub := broadcast.NewHub(others.options(broadcast.Options{
		Loops: conf.Reactors, CacheTTL: conf.CacheTTL, CacheBytes: conf.CacheBytes,
	}))
	registry, err := apps.NewRegistry(hub, conf.Apps)
	if err != nil {
		return err
	}
	var trace apps.Trace
	if conf.Debug {
		t := debuglog.New(os.Stdout, debuglog.For(os.Stdout, os.LookupEnv))
		defer func() { _ = t.Close() }() // a log that cannot be written is no reason to fail
		trace = t
	}
	sessions := &apps.Sessions{Registry: registry, Prefix: conf.Path, Trace: trace}
	listener, err := listen.TCP(ctx, conf.Host, conf.Port)
	if err != nil {
		return err
	}
	server := eventloop.New(eventloop.Options{
		Listeners: []net.Listener{listener}, Hub: hub,
		Accept: func(path string) eventloop.Session {
			if s := sessions.Accept(path); s != nil {
				return s
			}
			return nil // not a nil *Session in an interface
		},
		API: &apps.API{
			Registry: registry, Prefix: conf.Path, Tolerance: conf.AuthTimestampTolerance, Trace: trace, Log: log,
		},
		MaxRequestSize: conf.MaxRequestSize, SlowConsumerBytes: conf.SlowConsumerBytes, Compression: conf.Compression, Log: log,
	})
	others.join(hub, log)
	defer others.leave(log)
	return run(ctx, server, hub, func() { announce(conf) }, log)
}

// run runs the server until it fails or ctx is done.
func run(ctx context.Context, server *eventloop.Server, hub *broadcast.Hub, ready func(), log *zap.Logger) error {
	ended := make(chan error, 1)
	go func() { ended <- server.Run() }()
	sweep := time.NewTicker(sweepInterval)
	defer sweep.Stop()
	look := time.NewTicker(lookInterval)
	defer look.Stop()
	memory := newMemory()
	booted := server.Booted()
	for {
		select {
		case err := <-ended:
			return err
		case <-booted:
			booted = nil
			ready()
		case <-sweep.C:
			hub.Sweep()
		case <-look.C:
			memory.settle()
		case <-ctx.Done():
			log.Info("stopping: connections are told to come back", zap.Int("connections", server.Connections()))
			stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
			defer cancel()
			if err := server.Shutdown(stopping); err != nil {
				return fmt.Errorf("stopping: %w", err)
			}
			return <-ended
		}
	}
}

// newLogger writes lines for people to standard error; standard output is for the start line and --debug.
func newLogger() *zap.Logger {
	enc := zap.NewDevelopmentEncoderConfig()
	enc.EncodeTime = zapcore.ISO8601TimeEncoder
	enc.CallerKey = zapcore.OmitKey
	return zap.New(zapcore.NewCore(zapcore.NewConsoleEncoder(enc), zapcore.Lock(os.Stderr), zap.InfoLevel))
}

// announce prints the one line that says what runs, and with --dev what to point a client at.
func announce(conf config.Config) {
	addr := net.JoinHostPort(conf.Host, strconv.Itoa(conf.Port))
	ids := make([]string, len(conf.Apps))
	for i, a := range conf.Apps {
		ids[i] = a.ID
	}
	name := ""
	if conf.Hostname != "" {
		name = " (" + conf.Hostname + ")"
	}
	fmt.Printf("Starting server on %s%s%s. Apps: %s. Reactors: %d. reverbd %s\n",
		addr, conf.Path, name, strings.Join(ids, ", "), conf.Reactors, version)
	if conf.Dev {
		fmt.Print(devHelp(conf))
	}
}

// devHelp is what to put into a client to reach the first app.
func devHelp(conf config.Config) string {
	a := conf.Apps[0]
	return fmt.Sprintf(`
A page, with pusher-js or laravel-echo:

  new Pusher(%[1]q, { wsHost: %[2]q, wsPort: %[3]d, wsPath: %[4]q, forceTLS: false, enabledTransports: ["ws"], cluster: "" })

A Laravel app, in .env:

  BROADCAST_CONNECTION=reverb
  REVERB_APP_ID=%[5]s
  REVERB_APP_KEY=%[1]s
  REVERB_APP_SECRET=%[6]s
  REVERB_HOST=%[2]s
  REVERB_PORT=%[3]d
  REVERB_SCHEME=http

Stop with Ctrl-C.

`, a.Key, conf.Host, conf.Port, conf.Path, a.ID, a.Secret)
}
