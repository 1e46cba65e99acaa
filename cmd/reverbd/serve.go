package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"go.uber.org/zap"

	"reverbd/apps"
	"reverbd/broadcast"
	"reverbd/broadcast/limitlog"
	"reverbd/cmd/reverbd/config"
	"reverbd/cmd/reverbd/console"
	"reverbd/cmd/reverbd/debuglog"
	"reverbd/eventloop"
)

// serve composes the server and runs it until it ends.
func serve(i *instance) error {
	conf := i.conf
	i.started = time.Now()
	i.level = zap.NewAtomicLevelAt(conf.LogLevel)
	i.log = i.output.logger(i.level)
	for _, note := range conf.Notes {
		i.log.Info(note)
	}
	if i.inherited == nil { // after a restart the machine holds two servers for a while, and the checks are for one
		if err := checkMachine(context.Background(), conf, i.log); err != nil {
			return err
		}
	}
	i.calls, i.closed, i.takeovers = make(chan call), make(chan struct{}), make(chan takeover, 1)
	i.signals = make(chan os.Signal, 8)
	var err error
	if i.manager, err = findManager(i.log); err != nil {
		return err
	}
	if i.others, err = newCluster(conf, i.log); err != nil {
		return err
	}
	i.webhooks = newWebhooks(conf, i.others, i.log)
	i.console = console.New()
	i.hub = broadcast.NewHub(i.others.options(broadcast.Options{
		Loops: conf.Reactors, CacheTTL: conf.CacheTTL, CacheBytes: conf.CacheBytes, Observer: i.webhooks.observer(),
		Watcher: i.console, Timed: conf.Admin.Listen != nil,
	}))
	i.console.Attach(i.hub)
	if i.registry, err = apps.NewRegistry(i.hub, conf.Apps); err != nil {
		return err
	}
	var trace apps.Trace
	if conf.Debug {
		trace = debuglog.New(i.output.trace, debuglog.For(os.Stdout, os.LookupEnv))
	}
	if i.network, err = openNetwork(conf, i.inherited); err != nil {
		return err
	}
	renewing, done := background()
	defer done()
	go i.network.renew(renewing, i.log)
	i.refusals = limitlog.New(i.log)
	sessions := &apps.Sessions{Registry: i.registry, Prefix: conf.Path, Trace: trace, Limits: i.refusals, Log: i.log}
	i.api = &apps.API{
		Registry: i.registry, Prefix: conf.Path, Tolerance: conf.AuthTimestampTolerance, Trace: trace, Log: i.log,
		Limits: i.refusals, Timed: conf.Admin.Listen != nil,
	}
	i.server = eventloop.New(eventloop.Options{
		Listeners: i.network.listeners, TLS: i.network.tls(),
		TrustedProxies: i.network.proxies, ProxyProtocol: conf.ProxyProtocol, ClientIPHeader: conf.ClientIPHeader,
		Hub: i.hub,
		Accept: func(path string) eventloop.Session {
			if s := sessions.Accept(path); s != nil {
				return s
			}
			return nil // not a nil *Session in an interface
		},
		API:            i.api,
		Refused:        i.api.Refused,
		MaxRequestSize: conf.MaxRequestSize, SlowConsumerBytes: conf.SlowConsumerBytes, MemoryBudget: limitMemory(conf, i.log), Compression: conf.Compression,
		Handshakes: handshakes(), Log: i.log, Refusals: i.refusals,
	})
	if err := i.webhooks.open(conf.Apps, i.inherited); err != nil {
		return err
	}
	if err := i.openAdmin(); err != nil {
		return err
	}
	defer i.admin.close()
	i.others.join(i.hub, i.log)
	defer i.others.leave(i.log)
	defer i.webhooks.close()
	return i.run()
}

// announce prints the one line that says what runs, and with --dev what to point a client at, the first time.
func announce(w io.Writer, conf config.Config, n *network, page string, first bool) {
	ids := make([]string, len(conf.Apps))
	for i, a := range conf.Apps {
		ids[i] = a.ID
	}
	name := ""
	if conf.Hostname != "" {
		name = " (" + conf.Hostname + ")"
	}
	secure, why := "", ""
	if conf.TLS != nil {
		secure, why = "secure ", " "+conf.TLS.Reason+"."
	}
	_, _ = fmt.Fprintf(w, "Starting %sserver on %s%s.%s Apps: %s. Reactors: %d. reverbd %s\n",
		secure, n.places(conf.Path), name, why, strings.Join(ids, ", "), conf.Reactors, version)
	if conf.Dev && first {
		_, _ = fmt.Fprint(w, devHelp(conf, page))
	}
}

// devHelp is what to put into a client to reach the first app.
func devHelp(conf config.Config, page string) string {
	a := conf.Apps[0]
	if page != "" {
		page = "\nWatch it, and publish, at " + page + "\n"
	}
	scheme, transport := "http", "ws"
	if conf.TLS != nil {
		scheme, transport = "https", "wss"
	}
	secret := a.Secret
	if !config.IsDemo(a) { // the terminal of a developer ends up in screenshots and issues
		secret = "(that of app " + a.ID + ")"
	}
	return page + fmt.Sprintf(`
A page, with pusher-js or laravel-echo:

  new Pusher(%[1]q, { wsHost: %[2]q, wsPort: %[3]d, wssPort: %[3]d, wsPath: %[4]q, forceTLS: %[8]t, enabledTransports: [%[9]q], cluster: "" })

A Laravel app, in .env:

  BROADCAST_CONNECTION=reverb
  REVERB_APP_ID=%[5]s
  REVERB_APP_KEY=%[1]s
  REVERB_APP_SECRET=%[6]s
  REVERB_HOST=%[2]s
  REVERB_PORT=%[3]d
  REVERB_SCHEME=%[7]s

Stop with Ctrl-C.

`, a.Key, conf.Host, conf.Port, conf.Path, a.ID, secret, scheme, conf.TLS != nil, transport)
}
