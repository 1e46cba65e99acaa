package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"reverbd/apps"
	"reverbd/cmd/reverbd/config"
)

func TestDefaults(t *testing.T) {
	app := apps.DefaultSettings()
	app.ID, app.Key, app.Secret = "1", "k", "s"
	want := config.Config{
		Host: "0.0.0.0", Port: 8080, ClientIPHeader: "X-Forwarded-For", Reactors: min(config.UsableCPUs(), 64), MaxRequestSize: 10_000,
		AuthTimestampTolerance: 600 * time.Second, CacheTTL: 1800 * time.Second, CacheBytes: 64 << 20,
		SlowConsumerBytes: 1 << 20, Webhooks: config.Webhooks{QueueBytes: 16 << 20}, TimerSlack: 2 * time.Millisecond,
		Lifecycle: config.Lifecycle{DrainTimeout: 5 * time.Second, Supervise: true, ReleaseMemory: true}, Admin: config.Admin{ReadyRedis: 30 * time.Second},
		Apps: []apps.Settings{app},
	}
	if got := dotenv("").mustLoad(t); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestOrderOfSources(t *testing.T) {
	file := "apps: {apps: [{app_id: 1, key: k, secret: s, ping_interval: 4}]}\nservers: {reverb: {port: 4}}\n"
	all := sources{
		flags: map[string]string{"config": "c.yaml", "port": "1"},
		env:   map[string]string{"REVERB_SERVER_PORT": "2", "REVERB_APP_PING_INTERVAL": "2"},
		files: map[string]string{
			".env":   "REVERB_SERVER_PORT=3\nREVERB_APP_ID=1\nREVERB_APP_PING_INTERVAL=3\n",
			"c.yaml": file,
		},
	}
	tests := []struct {
		name string
		drop func(*sources)
		port int
		ping time.Duration
	}{
		{"flag first", func(*sources) {}, 1, 2},
		{"then the environment", func(s *sources) { delete(s.flags, "port") }, 2, 2},
		{"then .env", func(s *sources) { s.env = nil }, 3, 3},
		{"then the file", func(s *sources) { delete(s.files, ".env") }, 4, 4},
		{"then the default", func(s *sources) { s.files["c.yaml"] = "apps: {apps: [{app_id: 1, key: k, secret: s}]}" }, 8080, 60},
	}
	for _, tt := range tests {
		tt.drop(&all) // each drops one more
		t.Run(tt.name, func(t *testing.T) {
			c := all.mustLoad(t)
			if c.Port != tt.port || c.Apps[0].PingInterval != tt.ping*time.Second {
				t.Errorf("port %d, ping %v; want %d, %v", c.Port, c.Apps[0].PingInterval, tt.port, tt.ping*time.Second)
			}
		})
	}
}

// Every value that is accepted, in every source that has it.
func TestAccepted(t *testing.T) {
	tests := []struct {
		name string
		in   sources
		get  func(config.Config) any
		want any
	}{
		{"host", dotenv("REVERB_SERVER_HOST=127.0.0.1"), func(c config.Config) any { return c.Host }, "127.0.0.1"},
		{"host: IPv6 in brackets", dotenv("REVERB_SERVER_HOST=[::1]"), func(c config.Config) any { return c.Host }, "::1"},
		{"host: name", dotenv("").flag("host", "localhost"), func(c config.Config) any { return c.Host }, "localhost"},
		{"host: null is not set", dotenv("REVERB_SERVER_HOST=null"), func(c config.Config) any { return c.Host }, "0.0.0.0"},
		{"port: quoted number", dotenv(`REVERB_SERVER_PORT="9000"`), func(c config.Config) any { return c.Port }, 9000},
		{"port: text in the file", server(`port: "9000"`), func(c config.Config) any { return c.Port }, 9000},
		{"port: quotes in the real environment", dotenv("").with(map[string]string{"REVERB_SERVER_PORT": "'9000'"}),
			func(c config.Config) any { return c.Port }, 9000},
		{"path: bare", dotenv("REVERB_SERVER_PATH=ws"), func(c config.Config) any { return c.Path }, "/ws"},
		{"path: slashes", dotenv("REVERB_SERVER_PATH=/ws/v1/"), func(c config.Config) any { return c.Path }, "/ws/v1"},
		{"path: a slash alone", dotenv("REVERB_SERVER_PATH=/"), func(c config.Config) any { return c.Path }, ""},
		{"path: empty flag wins", dotenv("REVERB_SERVER_PATH=/ws").flag("path", ""), func(c config.Config) any { return c.Path }, ""},
		{"path: (empty)", dotenv("REVERB_SERVER_PATH=(empty)"), func(c config.Config) any { return c.Path }, ""},
		{"hostname", dotenv("REVERB_HOST=ws.example.com"), func(c config.Config) any { return c.Hostname }, "ws.example.com"},
		{"hostname: empty", dotenv("REVERB_HOST="), func(c config.Config) any { return c.Hostname }, ""},
		{"reactors", dotenv("").flag("reactors", "64"), func(c config.Config) any { return c.Reactors }, 64},
		{"expect_connections", dotenv("REVERB_EXPECT_CONNECTIONS=50000"), func(c config.Config) any { return c.ExpectConnections }, 50000},
		{"expect_connections: flag", dotenv("REVERB_EXPECT_CONNECTIONS=1").flag("expect-connections", "2"), func(c config.Config) any { return c.ExpectConnections }, 2},
		{"expect_connections: file", server("expect_connections: 3"), func(c config.Config) any { return c.ExpectConnections }, 3},
		{"expect_connections: empty", dotenv("REVERB_EXPECT_CONNECTIONS="), func(c config.Config) any { return c.ExpectConnections }, 0},
		{"skip_preflight", dotenv("REVERB_SKIP_PREFLIGHT=yes"), func(c config.Config) any { return c.SkipPreflight }, true},
		{"skip_preflight: flag", dotenv("REVERB_SKIP_PREFLIGHT=yes").flag("skip-preflight", "false"), func(c config.Config) any { return c.SkipPreflight }, false},
		{"max_request_size", dotenv("REVERB_MAX_REQUEST_SIZE=20000"), func(c config.Config) any { return c.MaxRequestSize }, 20000},
		{"debug: yes", dotenv("REVERB_DEBUG=yes"), func(c config.Config) any { return c.Debug }, true},
		{"debug: flag off", dotenv("REVERB_DEBUG=1").flag("debug", "false"), func(c config.Config) any { return c.Debug }, false},
		{"debug: in the file", server("debug: true"), func(c config.Config) any { return c.Debug }, true},
		{"tolerance off", dotenv("REVERB_AUTH_TIMESTAMP_TOLERANCE=0"), func(c config.Config) any { return c.AuthTimestampTolerance }, time.Duration(0)},
		{"tolerance in the file", server("auth_timestamp_tolerance: 30"), func(c config.Config) any { return c.AuthTimestampTolerance }, 30 * time.Second},
		{"cache", dotenv("REVERB_CACHE_TTL=60\nREVERB_CACHE_BYTES=65536"), func(c config.Config) any { return fmt.Sprint(c.CacheTTL, c.CacheBytes) }, "1m0s 65536"},
		{"memory", dotenv("REVERB_MEMORY_LIMIT=100000000"), func(c config.Config) any { return c.MemoryLimit }, int64(100_000_000)},
		{"memory in the file", server("memory_limit: 67108864"), func(c config.Config) any { return c.MemoryLimit }, int64(64 << 20)},
		{"memory by a flag", dotenv("REVERB_MEMORY_LIMIT=1").flag("memory-limit", "0"), func(c config.Config) any { return c.MemoryLimit }, int64(0)},
		{"cache in the file", server("cache_ttl: 60\n    cache_bytes: '65536'"), func(c config.Config) any { return fmt.Sprint(c.CacheTTL, c.CacheBytes) }, "1m0s 65536"},
		{"slow consumer", dotenv("REVERB_SLOW_CONSUMER_BYTES=20000"), func(c config.Config) any { return c.SlowConsumerBytes }, 20000},
		{"slow consumer grows with the request", dotenv("REVERB_MAX_REQUEST_SIZE=10000000"), func(c config.Config) any { return c.SlowConsumerBytes }, 40_000_000},
		{"slow consumer grows with the message", dotenv("REVERB_APP_MAX_MESSAGE_SIZE=1000000"), func(c config.Config) any { return c.SlowConsumerBytes }, 4_000_000},
		{"scaling off", dotenv("REVERB_SCALING_ENABLED=false\nREVERB_SCALING_CHANNEL={\nREDIS_HOST=y:z\nREDIS_URL=\"${NOPE}\"\nREDIS_TIMEOUT=1"), func(c config.Config) any { return len(c.Notes) }, 0},
		{"scaling off is nothing", dotenv("REDIS_HOST=y"), func(c config.Config) any { return c.Scaling == nil }, true},
		{"pid file", dotenv("REVERB_PID_FILE=/run/x.pid"), func(c config.Config) any { return c.PidFile }, "/run/x.pid"},
		{"pid file: relative to the working directory", server("pid_file: x.pid"),
			func(c config.Config) any { return filepath.IsAbs(c.PidFile) && filepath.Base(c.PidFile) == "x.pid" }, true},
		{"log level", dotenv("REVERB_LOG_LEVEL=WARN"), func(c config.Config) any { return c.LogLevel.String() }, "warn"},
		{"log level in the file", server("log_level: debug"), func(c config.Config) any { return c.LogLevel.String() }, "debug"},
		{"drain", dotenv("REVERB_DRAIN_DELAY=3\nREVERB_DRAIN_TIMEOUT=0"), func(c config.Config) any { return fmt.Sprint(c.DrainDelay, c.DrainTimeout) }, "3s 0s"},
		{"timer slack", dotenv(""), func(c config.Config) any { return c.TimerSlack }, 2 * time.Millisecond},
		{"timer slack: off", dotenv("REVERB_TIMER_SLACK=0"), func(c config.Config) any { return c.TimerSlack }, time.Duration(0)},
		{"timer slack: flag", dotenv("REVERB_TIMER_SLACK=0").flag("timer-slack", "500us"), func(c config.Config) any { return c.TimerSlack }, 500 * time.Microsecond},
		{"timer slack in the file", server("timer_slack: 5ms"), func(c config.Config) any { return c.TimerSlack }, 5 * time.Millisecond},
		{"switches: on", dotenv(""), func(c config.Config) any { return fmt.Sprint(c.Supervise, c.ReleaseMemory) }, "true true"},
		{"switches: off", dotenv("REVERB_SUPERVISE=no\nREVERB_RELEASE_MEMORY=no"), func(c config.Config) any { return fmt.Sprint(c.Supervise, c.ReleaseMemory) }, "false false"},
		{"switches: flags", dotenv("").flag("supervise", "false").flag("release-memory", "false"),
			func(c config.Config) any { return fmt.Sprint(c.Supervise, c.ReleaseMemory) }, "false false"},
		{"switches in the file", server("supervise: false\n    release_memory: false"),
			func(c config.Config) any { return fmt.Sprint(c.Supervise, c.ReleaseMemory) }, "false false"},
		{"drain in the file", server("drain_delay: 3\n    drain_timeout: '60'"), func(c config.Config) any { return fmt.Sprint(c.DrainDelay, c.DrainTimeout) }, "3s 1m0s"},
		{"scaling in the file off by the environment", server("scaling: {enabled: true, server: {host: h, timeout: 60}}").
			with(map[string]string{"REVERB_SCALING_ENABLED": "false"}), func(c config.Config) any { return c.Port }, 8080},
		{"REVERB_SERVER", dotenv("REVERB_SERVER=reverb"), func(c config.Config) any { return c.Port }, 8080},
		{"tls without a certificate", server("options: {tls: {verify_peer: false, local_cert: null}}"), func(c config.Config) any { return c.Port }, 8080},
		{"PHP's empty arrays", server("options: {tls: []}\n    scaling: []"), func(c config.Config) any { return c.Port }, 8080},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.get(tt.in.mustLoad(t)); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// Every spelling of yes and no.
func TestTruth(t *testing.T) {
	for want, spellings := range map[bool][]string{
		true:  {"true", "(true)", "TRUE", "1", "on", "yes", `"true"`},
		false: {"false", "(false)", "0", "off", "no", "empty", "(empty)", "", "null"},
	} {
		for _, s := range spellings {
			c := dotenv("REVERB_APP_RATE_LIMITING_ENABLED=" + s).mustLoad(t)
			if c.Apps[0].RateLimit.Enabled != want {
				t.Errorf("%q is %v, want %v", s, !want, want)
			}
		}
	}
}

// Every problem names the key, the place and the fix.
func TestRefused(t *testing.T) {
	tests := []struct {
		name string
		in   sources
		want string
	}{
		{"port: text", dotenv("REVERB_SERVER_PORT=eighty"),
			`REVERB_SERVER_PORT in .env, line 4: "eighty" is not a port; give a number from 1 to 65535`},
		{"port: range", dotenv("").with(map[string]string{"REVERB_SERVER_PORT": "65536"}), `REVERB_SERVER_PORT in the environment: "65536" is not a port`},
		{"port: flag", dotenv("").flag("port", "0"), `--port: "0" is not a port; give a number from 1 to 65535`},
		{"port: empty", dotenv("REVERB_SERVER_PORT="), `is empty; give a number from 1 to 65535, or remove it`},
		{"port: file", server("port: 1.5"), `servers.reverb.port in c.yaml, line 4: "1.5" is not a port`},
		{"port: mapping", server("port: {a: 1}"), `servers.reverb.port in c.yaml, line 4: is a list or mapping; give one value`},
		{"host: scheme", dotenv("REVERB_SERVER_HOST=http://x"), `has a scheme; give the host alone`},
		{"host: port", dotenv("REVERB_SERVER_HOST=0.0.0.0:80"), `has a port; give the host alone`},
		{"host: IPv6 and port", dotenv("REVERB_SERVER_HOST=[::1]:80"), `has a port; give the host alone`},
		{"host: empty", dotenv("").flag("host", ""), `--host: is not a host`},
		{"expect_connections: zero", dotenv("REVERB_EXPECT_CONNECTIONS=0"), `"0" is not a number of connections; give a number from 1`},
		{"expect_connections: file", server("expect_connections: many"), `servers.reverb.expect_connections in c.yaml, line 4: "many" is not a number of connections`},
		{"hostname: scheme", dotenv("REVERB_HOST=https://x.test"), `REVERB_HOST in .env, line 4: has a scheme`},
		{"path: query", dotenv("REVERB_SERVER_PATH='/ws?a'"), `REVERB_SERVER_PATH in .env, line 4: is not a path prefix`},
		{"path: dots", dotenv("REVERB_SERVER_PATH=/a/../b"), `is not a path prefix`},
		{"path: empty part", dotenv("REVERB_SERVER_PATH=/a//b"), `is not a path prefix`},
		{"reactors", dotenv("").flag("reactors", "65"), `--reactors: "65" is not a number of event loops; give a number from 1 to 64`},
		{"timer slack: no unit", dotenv("REVERB_TIMER_SLACK=2"),
			`REVERB_TIMER_SLACK in .env, line 4: "2" is not a time from 0 to 50ms; give one with its unit, such as 2ms, or 0`},
		{"timer slack: range", dotenv("").flag("timer-slack", "1s"), `--timer-slack: "1s" is not a time from 0 to 50ms`},
		{"timer slack: negative", dotenv("").flag("timer-slack", "-1ms"), `"-1ms" is not a time`},
		{"supervise", dotenv("REVERB_SUPERVISE=2"), `REVERB_SUPERVISE in .env, line 4: "2" is neither yes nor no`},
		{"max_request_size", dotenv("REVERB_MAX_REQUEST_SIZE=10"), `"10" is not a size in bytes; give a number from 1024`},
		{"debug", dotenv("REVERB_DEBUG=maybe"), `REVERB_DEBUG in .env, line 4: "maybe" is neither yes nor no; give true, 1, on or yes`},
		{"tolerance", dotenv("REVERB_AUTH_TIMESTAMP_TOLERANCE=-1"), `"-1" is not a number of seconds; give a number from 0`},
		{"cache_ttl", dotenv("REVERB_CACHE_TTL=0"), `"0" is not a number of seconds; give a number from 1`},
		{"cache_bytes", dotenv("REVERB_CACHE_BYTES=1"), `REVERB_CACHE_BYTES in .env, line 4: "1" is not a size in bytes`},
		{"slow consumer: tiny", dotenv("REVERB_SLOW_CONSUMER_BYTES=1"), `"1" is not a size in bytes`},
		{"slow consumer: below the largest event", dotenv("REVERB_SLOW_CONSUMER_BYTES=5000"), `5000 is less than the largest request or message (10000)`},
		{"log level", dotenv("REVERB_LOG_LEVEL=loud"), `REVERB_LOG_LEVEL in .env, line 4: "loud" is not a level; give debug, info, warn or error`},
		{"drain_timeout", dotenv("REVERB_DRAIN_TIMEOUT=soon"), `"soon" is not a number of seconds`},
		{"drain_delay", server("drain_delay: -1"), `servers.reverb.drain_delay in c.yaml, line 4: "-1" is not a number of seconds; give a number from 0`},
		{"listen: no port", dotenv("REVERB_LISTEN=127.0.0.1"), `REVERB_LISTEN in .env, line 4: "127.0.0.1" is not an address to listen on`},
		{"listen: the second", dotenv("").flag("listen", "127.0.0.1:1, unix:x"), `--listen: "unix:x" does not have the absolute path`},
		{"listen: twice", dotenv("REVERB_LISTEN=127.0.0.1:1,127.0.0.1:1"), `"127.0.0.1:1" is given twice`},
		{"listen: nothing", server("listen: []"), `servers.reverb.listen in c.yaml, line 4: has no address`},
		{"header of nobody", dotenv("").flag("client-ip-header", "Forwarded"), "--client-ip-header: is given, and no proxy is trusted"},
		{"no header", dotenv("REVERB_TRUSTED_PROXIES=10.0.0.0/8\nREVERB_CLIENT_IP_HEADER=X-Forwarded-For:"), `"X-Forwarded-For:" is not the name of a header`},
		{"proxies", dotenv("REVERB_TRUSTED_PROXIES=10.0.0.0/8,nginx"), `"nginx" is not a proxy`},
		{"PROXY protocol of nobody", dotenv("REVERB_PROXY_PROTOCOL=true"), `REVERB_PROXY_PROTOCOL in .env, line 4: is on, and no proxy is trusted`},
		{"tls certificate", server("options: {tls: {local_cert: /a}}"),
			`servers.reverb.options.tls.local_cert in c.yaml, line 4: cannot be used: certificate: open /a: no such file`},
		{"tls key", server("options: {tls: {local_pk: /a}}"), `local_pk in c.yaml, line 4: has no certificate; name one in --tls-cert`},
		{"REVERB_SERVER", dotenv("REVERB_SERVER=swoole"), `"swoole" is not a server that exists; only reverb does`},
		{"unknown key", server("prot: 1"), `servers.reverb.prot in c.yaml, line 4: unknown key; did you mean port?`},
		{"unknown key without a neighbour", server("colour: 1"), `servers.reverb.colour in c.yaml, line 4: unknown key; known here are admin_listen,`},
		{"unknown key at the top", yaml("severs: {}"), `severs in c.yaml, line 1: unknown key; did you mean servers?`},
		{"unknown key of an app", app("ping_intervall: 1"), `apps.apps[0].ping_intervall in c.yaml, line 6: unknown key; did you mean ping_interval?`},
		{"key given twice", server("port: 1\n    port: 2"), `servers.reverb.port in c.yaml, line 5: is given twice; remove one`},
		{"file is a list", yaml("- a"), `c.yaml: is not in the shape of Laravel's config('reverb')`},
		{"group is a text", yaml("servers: x"), `servers in c.yaml, line 1: is not a mapping`},
		{"apps is a text", yaml("apps: {apps: x}"), `apps.apps in c.yaml, line 1: is not a list; write each as an element with accept_client_events_from,`},
		{"broken yaml", yaml("a: b: c"), `c.yaml: is not valid YAML: mapping values are not allowed in this context`},
		{"broken yaml with a line", yaml("servers:\n  reverb:\n   port: 1\n  x"), `c.yaml, line 4: is not valid YAML`},
		{"two documents", yaml("apps: {}\n---\napps: {}"), `has a second document`},
		{"broken json", yaml("{\n\"apps\": {},\n\"servers\": [}\n}"), `c.yaml, line 3: is not valid JSON`},
		{"json that ends", yaml("{\n\"apps\": {"), `c.yaml, line 2: is not valid JSON: it ends too early`},
		{"config missing", dotenv("").flag("config", "no.yaml"), `--config: cannot read "no.yaml": no such file or directory; name a YAML or JSON file that exists`},
		{"env file missing", sources{}.with(map[string]string{"REVERB_ENV_FILE": "prod.env"}), `REVERB_ENV_FILE in the environment: cannot read "prod.env": no such file`},
		{".env: no assignment", dotenv("REVERB_SERVER_PORT 80"), `.env, line 4: is not an assignment; write NAME=value`},
		{".env: open quote", dotenv("\nREVERB_SERVER_PATH=\"/ws\n"), `.env, line 5: REVERB_SERVER_PATH has a quote that is never closed; end the value with the quote that it begins with`},
		{".env: unknown reference", dotenv(`REVERB_SERVER_PATH="${NOPE}"`), `REVERB_SERVER_PATH in .env, line 4: refers to ${NOPE}`},

		{"no app", sources{}, `no application: set REVERB_APP_ID, REVERB_APP_KEY and REVERB_APP_SECRET in the environment or in .env`},
		{"no app: empty credentials", dotenv("REVERB_APP_ID=\nREVERB_APP_KEY=\nREVERB_APP_SECRET="), `or start the demo app with --dev`},
		{"app without a secret", dotenv("REVERB_APP_SECRET="), `REVERB_APP_SECRET: is empty or not set; an app needs`},
		{"app without an id", sources{}.with(map[string]string{"REVERB_APP_KEY": "k", "REVERB_APP_SECRET": "s"}), `REVERB_APP_ID: is empty or not set`},
		{"file's app without a key", yaml("apps: {apps: [{app_id: 1, secret: s}]}"), `apps.apps[0].key in c.yaml, line 1: is empty or missing; an app needs app_id, key and secret`},
		{"id with a slash", dotenv("REVERB_APP_ID=a/b"), `REVERB_APP_ID in .env, line 4: contains '/', which cannot stand in a URL path`},
		{"key with a colon", dotenv("REVERB_APP_KEY=a:b"), `REVERB_APP_KEY in .env, line 4: contains ':'`},
		{"key with a line break", dotenv(`REVERB_APP_KEY="a\nb"`), `contains '\n'`},
		{"secret with a space", dotenv(`REVERB_APP_SECRET="abc "`), `REVERB_APP_SECRET in .env, line 4: begins or ends with a space`},
		{"id and app_id differ", app("id: 2"), `apps.apps[0].id in c.yaml, line 6: differs from app_id`},
		{"ids twice", yaml("apps: {apps: [{app_id: 1, key: a, secret: s},\n {app_id: '1', key: b, secret: s}]}"),
			`apps.apps[1] in c.yaml, line 2: has the id "1", as apps.apps[0] in c.yaml, line 1 has`},
		{"keys twice", yaml("apps: {apps: [{app_id: 1, key: a, secret: s},\n {app_id: 2, key: a, secret: s}]}"), `apps.apps[1] in c.yaml, line 2: has the same key as apps.apps[0]`},
		{"which app", yaml("apps: {apps: [{app_id: 1, key: a, secret: s}, {app_id: 2, key: b, secret: s}]}").with(map[string]string{"REVERB_APP_PING_INTERVAL": "5"}),
			`REVERB_APP_PING_INTERVAL in the environment: c.yaml has 2 apps, and no REVERB_APP_ID says which of them is meant`},
		{"ping_interval", dotenv("REVERB_APP_PING_INTERVAL=0"), `"0" is not a number of seconds; give a number from 1`},
		{"activity_timeout", app("activity_timeout: 0"), `apps.apps[0].activity_timeout in c.yaml, line 6: "0" is not a number of seconds`},
		{"max_connections 0", dotenv("REVERB_APP_MAX_CONNECTIONS=0"), `0 would let nobody in; leave it empty for no limit`},
		{"max_connections", dotenv("REVERB_APP_MAX_CONNECTIONS=many"), `"many" is not a number of connections`},
		{"max_message_size", dotenv("REVERB_APP_MAX_MESSAGE_SIZE=5"), `"5" is not a size in bytes, or 0 for no limit; give a number from 64`},
		{"accept_client_events_from", app("accept_client_events_from: member"), `"member" is not all, members, private or none`},
		{"max_attempts", app("rate_limiting: {max_attempts: 0}"), `apps.apps[0].rate_limiting.max_attempts in c.yaml, line 6: "0" is not a number of messages`},
		{"decay_seconds", dotenv("REVERB_APP_RATE_LIMIT_DECAY_SECONDS=0"), `"0" is not a number of seconds`},
		{"origins: none", app("allowed_origins: []"), `is empty, which would refuse everybody`},
		{"origins: empty variable", dotenv("REVERB_APP_ALLOWED_ORIGINS="), `is empty, which would refuse everybody`},
		{"origins: empty pattern", dotenv("REVERB_APP_ALLOWED_ORIGINS=a.test,"), `is an empty pattern`},
		{"origins: path", app("allowed_origins: ['a.test', 'https://x.test:8443/p']"),
			`apps.apps[0].allowed_origins[1] in c.yaml, line 6: "https://x.test:8443/p" can never match, since an origin has no path; write "https://x.test:8443"`},
		{"origins: port", dotenv("REVERB_APP_ALLOWED_ORIGINS=x.test:port"), `"x.test:port" has a port that is not a number from 1 to 65535`},
		{"origins: IPv6 port", dotenv("REVERB_APP_ALLOWED_ORIGINS=[::1]:70000"), `"[::1]:70000" has a port that is not a number`},
		{"origins: any scheme", dotenv("REVERB_APP_ALLOWED_ORIGINS=*://x.test"), `"*://x.test" has no scheme that a browser sends`},
		{"previous secret with a space", dotenv(`REVERB_APP_PREVIOUS_SECRET=" abc"`), `REVERB_APP_PREVIOUS_SECRET in .env, line 4: begins or ends with a space`},
		{"events per second", dotenv("REVERB_APP_MAX_EVENTS_PER_SECOND=many"), `"many" is not a number of events, or 0 for no limit`},
		{"origins: case", dotenv("REVERB_APP_ALLOWED_ORIGINS=X.test"), `browsers send hosts in lower case; write "x.test"`},
		{"origins: space", dotenv("REVERB_APP_ALLOWED_ORIGINS='a.test b.test'"), `contains a space`},
		{"origins: not ASCII", dotenv("REVERB_APP_ALLOWED_ORIGINS=bücher.test"), `write it as xn--`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.in.mustRefuse(t, tt.want)
		})
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	s := server("prot: 1\n    path: a//b")
	s.files[".env"] = "REVERB_SERVER_PORT=x\nnot an assignment\nREVERB_APP_PING_INTERVAL=y\n"
	_, err := s.flag("reactors", "z").load(t)
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	for i, want := range []string{".env, line 2", "servers.reverb.prot", "REVERB_SERVER_PORT", "servers.reverb.path", "--reactors", "REVERB_APP_PING_INTERVAL"} {
		if i >= len(lines) || !strings.HasPrefix(lines[i], want) {
			t.Errorf("line %d is not about %s:\n%v", i, want, err)
		}
	}
	if len(lines) != 6 {
		t.Errorf("%d lines, want 6:\n%v", len(lines), err)
	}
}

func TestExampleConfig(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "example-config.json"))
	if err != nil {
		t.Fatal(err)
	}
	c := yaml(string(text)).mustLoad(t)
	want := config.Config{Host: "127.0.0.1", Port: 8080, Path: "", MaxRequestSize: 10_000}
	if c.Host != want.Host || c.Port != want.Port || c.Path != want.Path || c.MaxRequestSize != want.MaxRequestSize || len(c.Apps) != 4 {
		t.Errorf("got %+v", c)
	}
	app := apps.DefaultSettings()
	app.ID, app.Key, app.Secret = "app-id", "app-key", "app-secret"
	if !reflect.DeepEqual(c.Apps[0], app) {
		t.Errorf("app 0: got %+v", c.Apps[0])
	}
	if got := c.Apps[1]; got.MaxConnections != 3 || !reflect.DeepEqual(got.AllowedOrigins, []string{"allowed.test", "*.wild.test"}) {
		t.Errorf("app 1: got %+v", got)
	}
	if got := c.Apps[2].RateLimit; got != (apps.RateLimit{Enabled: true, MaxAttempts: 5, Decay: time.Minute, TerminateOnLimit: true}) {
		t.Errorf("app 2: got %+v", got)
	}
	if got := c.Apps[3]; got.PingInterval != 2*time.Second || got.AcceptClientEventsFrom != apps.ClientEventsFromNone {
		t.Errorf("app 3: got %+v", got)
	}
}

// A dump by PHP: slashes and emoji escaped, numbers and booleans as text, nulls, keys that concern PHP alone.
func TestDumpOfPHP(t *testing.T) {
	c := yaml(`{"default":"reverb","servers":{"reverb":{"host":"0.0.0.0","port":"8080","path":"\/ws\/","hostname":"ws.example.com",
"options":{"tls":[]},"max_request_size":"10000","scaling":{"enabled":false,"channel":"reverb","server":{"url":null,"host":"127.0.0.1",
"port":"6379","username":null,"password":null,"database":"0","timeout":60}},"pulse_ingest_interval":15,"telescope_ingest_interval":15}},
"apps":{"provider":"config","apps":[{"key":"k","secret":"\ud83d\ude00\/s","app_id":"1000","options":{"host":"x","port":"443","scheme":"https",
"useTLS":true},"allowed_origins":["*"],"ping_interval":"60","activity_timeout":"30","max_connections":null,"max_message_size":"10000",
"accept_client_events_from":"members","rate_limiting":{"enabled":"false","max_attempts":"60","decay_seconds":"60","terminate_on_limit":""}}]}}`).mustLoad(t)
	want := apps.DefaultSettings()
	want.ID, want.Key, want.Secret = "1000", "k", "😀/s"
	if len(c.Apps) != 1 || !reflect.DeepEqual(c.Apps[0], want) || c.Path != "/ws" {
		t.Errorf("got %+v", c)
	}
	notes := strings.Join(c.Notes, "\n")
	if notes != "c.yaml: ignored, since it concerns PHP alone: servers.reverb.pulse_ingest_interval, "+
		"servers.reverb.telescope_ingest_interval, apps.apps[].options" {
		t.Errorf("notes: %s", notes)
	}
}

func TestEmptyConfigFile(t *testing.T) {
	s := yaml("# nothing yet\n")
	s.files[".env"] = credentials
	if c := s.mustLoad(t); len(c.Apps) != 1 {
		t.Errorf("got %+v", c)
	}
}

// An anchor that merges itself, many times over, is an odd file and not an endless one.
func TestMergesOfThemselves(t *testing.T) {
	self := "apps: &x {" + strings.Repeat("<<: *x, ", 200) + "apps: [{app_id: 1, key: k, secret: s}]}"
	if c := yaml(self).mustLoad(t); len(c.Apps) != 1 {
		t.Errorf("got %+v", c)
	}
}

func TestMisspeltNameInDotenvIsNoted(t *testing.T) {
	c := dotenv("REVERB_SERVER_PROT=9000\nREVERB_PORT=443\nVITE_REVERB_HOST=x\nREVERB_ENV_FILE=y").mustLoad(t)
	want := []string{
		"REVERB_ENV_FILE in .env, line 7: not read here; give it as --env-file or in the environment",
		"REVERB_SERVER_PROT in .env, line 4: not a name that is read; did you mean REVERB_SERVER_PORT?",
	}
	if !reflect.DeepEqual(c.Notes, want) {
		t.Errorf("got %q", c.Notes)
	}
}

func TestEnvFileReplacesDotenv(t *testing.T) {
	s := dotenv("REVERB_SERVER_PORT=1")
	s.files["prod.env"] = credentials + "REVERB_SERVER_PORT=2\nREVERB_CONFIG=c.yaml\n"
	s.files["c.yaml"] = "servers: {reverb: {path: /x}}"
	if c := s.flag("env-file", "prod.env").mustLoad(t); c.Port != 2 || c.Path != "/x" {
		t.Errorf("got %+v", c)
	}
}

// Whatever is wrong, and wherever the secret stands, no error or note tells it.
func TestSecretsAreNeverPrinted(t *testing.T) {
	const secret = "TopSecretValue"
	for name, s := range map[string]sources{
		"Redis: broken URL":            scaled("REDIS_URL=redis://:" + secret + "@h:port"),
		"Redis: raw # in the password": scaled("REDIS_URL='redis://:#" + secret + "@h'"),
		"Redis: no URL":                scaled("REDIS_URL=" + secret),
		"Redis: another scheme":        scaled("REDIS_URL=http://:" + secret + "@h"),
		"Redis: host in the URL":       scaled("REDIS_URL=redis://:" + secret + "@"),
		"Redis: database":              scaled("REDIS_URL=redis://:" + secret + "@h/x"),
		"Redis: parameter":             scaled("REDIS_URL='redis://h?" + secret + "' \nREDIS_DB=x"),
		"Redis: user before the host":  scaled("REDIS_HOST=u:" + secret + "@h"),
		"Redis: password list":         server("scaling: {enabled: true, server: {password: [" + secret + "]}}"),
		"Redis: Sentinel's password":   scaled("REVERB_REDIS_SENTINEL_PASSWORD=" + secret + "\nREVERB_REDIS_SENTINELS=h"),
		"duplicates":                   yaml("apps: {apps: [{app_id: 1, key: k, secret: " + secret + "}, {app_id: 1, key: k, secret: " + secret + "}]}"),
		"space around":                 dotenv(`REVERB_APP_SECRET="` + secret + ` "`),
		"no equals sign":               dotenv("REVERB_APP_SECRET " + secret),
		"open quote":                   dotenv(`REVERB_APP_SECRET="` + secret),
		"behind the quote":             dotenv(`REVERB_APP_SECRET="a"` + secret),
		"backslash":                    dotenv(`REVERB_APP_SECRET="\q` + secret + `"`),
		"name with a space":            dotenv("REVERB APP " + secret + "=a"),
		"reference":                    dotenv(`REVERB_APP_SECRET="${NOPE}` + secret + `"`),
		"hash":                         dotenv("REVERB_APP_SECRET=a#" + secret + "\nREVERB_APP_KEY="),
		"pasted as the key":            dotenv("REVERB_APP_KEY=" + secret + "/"),
		"pasted as the id":             dotenv("REVERB_APP_ID=" + secret + ":"),
		"yaml alias":                   yaml("apps: {apps: [{app_id: 1, key: k, secret: *" + secret + "}]}"),
		"yaml syntax":                  yaml("apps:\n  apps:\n   - secret: " + secret + ": x"),
		"yaml no space":                yaml("apps: {apps: [{app_id: 1, key: k, 'secret:" + secret + "'}]}"),
		"yaml secret list":             yaml("apps: {apps: [{app_id: 1, key: k, secret: [" + secret + "]}]}"),
		"json syntax":                  yaml(`{"apps": {"apps": [{"secret": "` + secret + `" "key"}]}}`),
		"json open quote":              yaml(`{"apps": {"apps": [{"secret": "` + secret),
		"json bare":                    yaml(`{"apps": {"apps": [{"secret": ` + secret + `}]}, "x`),
		"two apps in the env":          yaml("apps: {apps: [{app_id: 1, key: a, secret: s}, {app_id: 2, key: b, secret: s}]}").with(map[string]string{"REVERB_APP_SECRET": secret}),
	} {
		t.Run(name, func(t *testing.T) {
			c, err := s.load(t)
			if err == nil {
				t.Fatal("no error")
			}
			without(t, err, secret)
			if strings.Contains(strings.Join(c.Notes, "\n"), secret) {
				t.Errorf("notes: %q", c.Notes)
			}
		})
	}
}

// Nothing that stands in .env or in the config file makes the loader panic or hang, and a Config without an error is one
// that the server can run.
func FuzzLoad(f *testing.F) {
	example, err := os.ReadFile(filepath.Join("testdata", "example-config.json"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(credentials, string(example))
	f.Add(`A="${A}${B}"`+"\nB='x\ny'\nexport C=${A} # c", "a: &x {<<: *x}\napps: *x")
	f.Add("REVERB_APP_ID=\"1\\n\"\n=\nX", "apps: {apps: {one: {id: 1, key: k, secret: s, allowed_origins: '*'}}}")
	f.Add("\ufeffREVERB_SERVER_PORT=${REVERB_SERVER_PORT}", "{\"servers\": {\"reverb\": [[[[]]]]}}")
	f.Add("REVERB_SCALING_ENABLED=1\nREDIS_URL=rediss://u:p@[::1]:1/2?db=3\nREDIS_HOST=tls://a,/b,[::1]:1", "servers: {reverb: {scaling: {server: {host: [a, b], sentinel: {master: m}}}}}")
	dir := f.TempDir()
	none := func(string) (string, bool) { return "", false }
	f.Fuzz(func(t *testing.T, env, file string) {
		for name, text := range map[string]string{"e": env, "c": file} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		c, err := config.Load(map[string]string{"env-file": "e", "config": "c"}, none, dir)
		if err != nil {
			return
		}
		if c.Port < 1 || c.Port > 65535 || c.Reactors < 1 || len(c.Apps) == 0 || strings.HasSuffix(c.Path, "/") {
			t.Fatalf("%+v", c)
		}
		if o := c.Scaling; o != nil && (o.Channel == "" || o.QueueBytes < 1 || len(o.Addrs) == 0 || o.Cluster && o.DB != 0) {
			t.Fatalf("%+v", o)
		}
		for _, app := range c.Apps {
			if app.ID == "" || app.Key == "" || app.Secret == "" || app.PingInterval < time.Second ||
				app.ActivityTimeout < time.Second || len(app.AllowedOrigins) == 0 || app.RateLimit.MaxAttempts < 1 {
				t.Fatalf("%+v", app)
			}
		}
	})
}
