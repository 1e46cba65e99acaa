package config

import (
	"strings"

	"github.com/urfave/cli/v2"
)

// Flags are the command's flags. Numbers are text here so that a wrong one is reported together with all other problems.
// The names of variables are in the help only, because Load decides the order of sources.
func Flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "host", Usage: "bind `ADDRESS` (REVERB_SERVER_HOST, default 0.0.0.0)"},
		&cli.StringFlag{Name: "port", Usage: "bind `PORT` (REVERB_SERVER_PORT, default 8080)"},
		&cli.StringSliceFlag{Name: "listen", Usage: "listen on `ADDRESS` in place of host and port, such as 127.0.0.1:8080 or unix:/run/reverbd.sock; repeatable (REVERB_LISTEN)"},
		&cli.StringSliceFlag{Name: "trusted-proxies", Usage: "believe the proxies of this `NETWORK`, or unix, who the client is; repeatable (REVERB_TRUSTED_PROXIES)"},
		&cli.BoolFlag{Name: "proxy-protocol", Usage: "trusted proxies begin with a header of the PROXY protocol (REVERB_PROXY_PROTOCOL)"},
		&cli.StringFlag{Name: "client-ip-header", Usage: "`HEADER` in which trusted proxies tell who the client is (REVERB_CLIENT_IP_HEADER, default X-Forwarded-For)"},
		&cli.StringFlag{Name: "tls-cert", Usage: "speak TLS with the certificate in this PEM `FILE` (REVERB_TLS_CERT)"},
		&cli.StringFlag{Name: "tls-key", Usage: "the certificate's key, a PEM `FILE` (REVERB_TLS_KEY)"},
		&cli.StringFlag{Name: "path", Usage: "`PREFIX` of every route, such as /ws (REVERB_SERVER_PATH)"},
		&cli.StringFlag{Name: "hostname", Usage: "public `HOST` (REVERB_HOST)"},
		&cli.StringFlag{Name: "reactors", Usage: "`NUMBER` of event loops, 1 to 64 (REVERB_REACTORS, default one a CPU)"},
		&cli.BoolFlag{Name: "debug", Usage: "show the traffic (REVERB_DEBUG)"},
		&cli.BoolFlag{Name: "compression", Usage: "compress messages for clients that offer it (REVERB_COMPRESSION)"},
		&cli.StringFlag{Name: "config", Usage: "YAML or JSON `FILE` in the shape of config('reverb') (REVERB_CONFIG)"},
		&cli.StringFlag{Name: "env-file", Usage: "`FILE` to read in place of .env (REVERB_ENV_FILE)"},
		&cli.StringFlag{Name: "expect-connections", Usage: "start only if the machine can hold `NUMBER` connections (REVERB_EXPECT_CONNECTIONS, default the sum of max_connections)"},
		&cli.BoolFlag{Name: "skip-preflight", Usage: "start whatever the checks of the machine say (REVERB_SKIP_PREFLIGHT)"},
		&cli.StringFlag{Name: "pid-file", Usage: "write the process id to `FILE` (REVERB_PID_FILE)"},
		&cli.StringFlag{Name: "state-dir", Usage: "keep in `DIRECTORY` what must survive even a kill (REVERB_STATE_DIR)"},
		&cli.StringFlag{Name: "log-level", Usage: "log from `LEVEL` on: debug, info, warn or error (REVERB_LOG_LEVEL, default info)"},
		&cli.StringFlag{Name: "drain-delay", Usage: "`SECONDS` for which /up answers 503 before a stop (REVERB_DRAIN_DELAY, default 0)"},
		&cli.StringFlag{Name: "drain-timeout", Usage: "`SECONDS` over which connections are closed (REVERB_DRAIN_TIMEOUT, default 5)"},
		&cli.BoolFlag{Name: "supervise", Usage: "after a restart, keep the first process for the service manager (REVERB_SUPERVISE, default true)"},
		&cli.StringFlag{Name: "timer-slack", Usage: "run with timers that may be late by `DURATION`, such as 2ms; 0 does not execute the program again for that (REVERB_TIMER_SLACK, default 2ms)"},
		&cli.StringFlag{Name: "memory-limit", Usage: "use no more than so many `BYTES` of memory (REVERB_MEMORY_LIMIT, default 0: nine tenths of what the machine and the control group allow)"},
		&cli.BoolFlag{Name: "release-memory", Usage: "give memory back to the system when idle (REVERB_RELEASE_MEMORY, default true)"},
		&cli.StringFlag{Name: "admin-listen", Usage: "show metrics, health and what happens on `ADDRESS`, such as 127.0.0.1:9601 or unix:/run/reverbd-admin.sock (REVERB_ADMIN_LISTEN, default none)"},
		&cli.StringFlag{Name: "ready-redis", Usage: "`SECONDS` for which Redis may be lost until /ready of that address answers 503; 0 is for ever (REVERB_READY_REDIS, default 30)"},
		&cli.BoolFlag{Name: "pprof", Usage: "serve profiles under /debug/pprof/ of that address (REVERB_PPROF)"},
		&cli.BoolFlag{Name: "dev", Usage: "demo app on 127.0.0.1 with debug output (REVERB_DEV)"},
	}
}

// Given collects the flags that were set, whether before or after the name of a subcommand; the one nearer to the
// subcommand wins.
func Given(c *cli.Context) map[string]string {
	given := make(map[string]string)
	for _, level := range c.Lineage() {
		if level.Command == nil { // the root of the lineage carries only a context.Context
			continue
		}
		for _, name := range level.LocalFlagNames() {
			if _, nearer := given[name]; !nearer {
				given[name] = text(level, name)
			}
		}
	}
	return given
}

// text is a flag's value as the environment would have it. A flag that may be repeated has commas between.
func text(c *cli.Context, name string) string {
	if list := c.StringSlice(name); list != nil {
		return strings.Join(list, ",")
	}
	return c.String(name)
}
