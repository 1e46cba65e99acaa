package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"go.uber.org/zap"

	"reverbd/broadcast/redis"
	"reverbd/cmd/reverbd/config"
	"reverbd/cmd/reverbd/debuglog"
	"reverbd/sysctl"
)

// Exit codes of preflight; 0 is that nothing is wrong.
const (
	exitWarnings = 1
	exitFatal    = 2
)

// defaultConnections is what preflight asks for when neither a flag nor the configuration says a number.
const defaultConnections = 10_000

// What the server takes, as its event loops count it (eventloop/connlimit.go) and as docs/performance.md measured it.
const (
	descriptorsEach  = 1 // a connection, with TLS or without
	descriptorsLoop  = 8
	descriptorsSpare = 24 + 2 // and the control socket, with a command on it
	memoryEach       = 1300
	memoryTLS        = 7000 // more for each, with TLS in the process
	memoryBase       = 32 << 20
)

func preflightCommand() *cli.Command {
	return &cli.Command{
		Name:  "preflight",
		Usage: "say whether this machine can hold so many connections, and what to change; changes nothing itself",
		Flags: append(config.Flags(),
			&cli.IntFlag{Name: "connections", Usage: "`NUMBER` of connections (default expect-connections, the sum of max_connections, or 10000)"},
			&cli.StringFlag{Name: "nginx", Usage: "look at nginx with this main `FILE`, such as /etc/nginx/nginx.conf"},
			&cli.StringFlag{Name: "haproxy", Usage: "look at HAProxy with this main `FILE`, such as /etc/haproxy/haproxy.cfg"},
			&cli.StringFlag{Name: "apache", Usage: "look at Apache httpd with this main `FILE`, such as /etc/apache2/apache2.conf"},
			&cli.StringFlag{Name: "caddy", Usage: "look at Caddy with this `FILE`, such as /etc/caddy/Caddyfile"},
			&cli.StringFlag{Name: "supervisor", Usage: "look at supervisor with this main `FILE`, such as /etc/supervisor/supervisord.conf"},
			&cli.StringFlag{Name: "systemd", Usage: "look at the service that systemd starts as `UNIT`, by its name or file"},
			&cli.BoolFlag{Name: "verbose", Usage: "show the arithmetic of what is ok, too"},
			&cli.BoolFlag{Name: "json", Usage: "write for machines"},
			&cli.BoolFlag{Name: "print-fixes", Usage: "write the files that would have to be installed"},
		),
		Action: preflight,
	}
}

// preflight is the command.
func preflight(c *cli.Context) error {
	if c.Args().Present() {
		return cli.Exit(fmt.Sprintf("preflight takes no %q (see reverbd preflight --help)", c.Args().First()), exitUsage)
	}
	conf, err := preflightConfig(config.Given(c))
	if err != nil {
		return err
	}
	connections := expected(conf)
	if connections == 0 {
		connections = defaultConnections
	}
	if c.IsSet("connections") {
		if connections = c.Int("connections"); connections < 1 || connections > 1<<30 {
			return cli.Exit("--connections: give a number from 1 to 1073741824", exitUsage)
		}
	}
	source, err := namedFiles(c)
	if err != nil {
		return err
	}
	need := needOf(conf, connections)
	findings := sysctl.Check(factsOf(c.Context, source, conf), need)
	if err := write(c, source, findings, need); err != nil {
		return err
	}
	switch sysctl.Worst(findings) {
	case sysctl.Fatal:
		return cli.Exit("", exitFatal)
	case sysctl.Warning:
		return cli.Exit("", exitWarnings)
	}
	return nil
}

// preflightConfig is what start would run with. A machine that has no application configured yet can be checked too.
func preflightConfig(flags map[string]string) (config.Config, error) {
	dir, err := os.Getwd()
	if err != nil {
		return config.Config{}, fmt.Errorf("finding the working directory: %w", err)
	}
	conf, err := config.Load(flags, os.LookupEnv, dir)
	if err == nil {
		return conf, nil
	}
	demo := maps.Clone(flags)
	demo["dev"] = "true"
	if conf, demoErr := config.Load(demo, os.LookupEnv, dir); demoErr == nil {
		return conf, nil
	}
	return conf, cli.Exit("the configuration cannot be used\n"+err.Error(), exitUsage)
}

// namedFiles is the machine with the files that the flags name.
func namedFiles(c *cli.Context) (sysctl.Source, error) {
	s := thisMachine()
	s.Nginx, s.Supervisor, s.Unit = c.String("nginx"), c.String("supervisor"), c.String("systemd")
	s.HAProxy, s.Apache, s.Caddy = c.String("haproxy"), c.String("apache"), c.String("caddy")
	files := []*string{&s.Nginx, &s.HAProxy, &s.Apache, &s.Caddy, &s.Supervisor}
	if strings.Contains(s.Unit, "/") {
		files = append(files, &s.Unit)
	}
	for _, file := range files {
		if *file == "" {
			continue
		}
		absolute, err := filepath.Abs(*file)
		if err != nil {
			return s, fmt.Errorf("finding %s: %w", *file, err)
		}
		*file = absolute
	}
	return s, nil
}

func thisMachine() sysctl.Source {
	return sysctl.Source{Root: os.DirFS("/"), Lookup: os.LookupEnv, Clock: sysctl.SystemClock}
}

// write prints what the flags ask for on the standard output.
func write(c *cli.Context, source sysctl.Source, findings []sysctl.Finding, need sysctl.Need) error {
	switch {
	case c.Bool("print-fixes"):
		files, err := sysctl.Changes(source, findings, need)
		if err != nil {
			return err
		}
		return writeFiles(os.Stdout, files, c.Bool("json"))
	case c.Bool("json"):
		return sysctl.JSON(os.Stdout, findings, need)
	}
	terminal := debuglog.For(os.Stdout, os.LookupEnv)
	fmt.Printf("Can this machine hold %s connections with %d event loops?\n\n", need.Connections, need.Loops)
	return sysctl.Text(os.Stdout, findings, sysctl.Style{Color: terminal.Color, Width: terminal.Width, Verbose: c.Bool("verbose")})
}

func writeFiles(w io.Writer, files []sysctl.File, forMachines bool) error {
	if forMachines {
		if files == nil {
			files = []sysctl.File{} // a list, even if nothing is in it
		}
		return json.NewEncoder(w).Encode(files)
	}
	for i, f := range files {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprint(w, f.Content)
	}
	return nil
}

// checkMachine is what start does with the same checks: it refuses what cannot work, and logs what may not.
func checkMachine(ctx context.Context, conf config.Config, log *zap.Logger) error {
	if conf.SkipPreflight {
		return nil
	}
	need := needOf(conf, expected(conf))
	findings := sysctl.Check(factsOf(ctx, thisMachine(), conf), need)
	if fatal := sysctl.Only(findings, sysctl.Fatal); len(fatal) > 0 {
		var text strings.Builder
		if err := sysctl.Text(&text, fatal, sysctl.Style{}); err != nil {
			return err
		}
		what := "start reverbd"
		if need.Connections > 0 {
			what = fmt.Sprintf("hold %s connections", need.Connections)
		}
		return fmt.Errorf("this machine cannot %s; see reverbd preflight, or start with --skip-preflight\n\n%s", what, text.String())
	}
	for _, f := range sysctl.Only(findings, sysctl.Warning) {
		fixes := make([]string, len(f.Fixes))
		for i, fix := range f.Fixes {
			fixes[i] = fix.String()
		}
		log.Warn("preflight: "+f.Check, zap.String("found", f.Found), zap.String("need", f.Need), zap.String("why", f.Why), zap.Strings("fix", fixes))
	}
	return nil
}

// expected is the number of connections that the configuration speaks of: 0 when an app has no limit and nothing else is said.
func expected(conf config.Config) int {
	if conf.ExpectConnections > 0 {
		return conf.ExpectConnections
	}
	sum := 0
	for _, a := range conf.Apps {
		if a.MaxConnections == 0 {
			return 0
		}
		sum += a.MaxConnections
	}
	return sum
}

func needOf(conf config.Config, connections int) sysctl.Need {
	n := sysctl.Need{
		Connections: sysctl.Number(connections), Loops: conf.Reactors,
		DescriptorsEach: descriptorsEach, DescriptorsLoop: descriptorsLoop, DescriptorsSpare: descriptorsSpare,
		MemoryEach: memoryEach, MemoryBase: memoryBase,
		Port: conf.Port, Path: conf.Path, Tolerance: conf.AuthTimestampTolerance,
		LargestEvent: sysctl.Number(conf.MaxRequestSize),
	}
	if conf.TLS != nil {
		n.MemoryEach += memoryTLS
	}
	for _, a := range conf.Apps {
		n.PingInterval = max(n.PingInterval, a.PingInterval)
		n.ActivityTimeout = max(n.ActivityTimeout, a.ActivityTimeout)
		n.LargestEvent = max(n.LargestEvent, sysctl.Number(a.MaxMessageSize))
	}
	return n
}

func factsOf(ctx context.Context, source sysctl.Source, conf config.Config) sysctl.Facts {
	f := sysctl.Read(source)
	f.Redis = redisFacts(ctx, conf)
	return f
}

// redisTimeout is how long Redis may take to say what its limits are.
const redisTimeout = 3 * time.Second

// redisFacts asks the Redis that joins the nodes, if there is one.
func redisFacts(ctx context.Context, conf config.Config) sysctl.Redis {
	if conf.Scaling == nil {
		return sysctl.Redis{}
	}
	ctx, cancel := context.WithTimeout(ctx, redisTimeout)
	defer cancel()
	r := sysctl.Redis{Configured: true, Address: strings.Join(conf.Scaling.Addrs, ", ")}
	l, err := redis.ReadLimits(ctx, *conf.Scaling)
	if err != nil {
		r.Problem = err.Error()
		return r
	}
	r.Clients, r.MaxClients, r.Own = sysctl.Number(l.Clients), sysctl.Number(l.MaxClients), sysctl.Number(l.Own)
	r.PubSub = sysctl.Buffer{Hard: sysctl.Number(l.PubSubHard), Soft: sysctl.Number(l.PubSubSoft), Seconds: sysctl.Number(l.PubSubSeconds)}
	return r
}
