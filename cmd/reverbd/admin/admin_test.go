package admin

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"reverbd/apps"
	"reverbd/apps/webhook"
	"reverbd/broadcast"
	"reverbd/broadcast/limitlog"
	"reverbd/broadcast/redis"
	"reverbd/eventloop"
)

// sockets is a server that says what a test wants.
type sockets struct {
	booted chan struct{}
	stuck  bool
	stats  eventloop.Stats
}

func (s *sockets) Booted() <-chan struct{}    { return s.booted }
func (s *sockets) Healthy(time.Duration) bool { return !s.stuck }
func (s *sockets) Connections() int           { return 3 }
func (s *sockets) Stats() eventloop.Stats     { return s.stats }

// fixture is an admin server over one loop, which runs when something is posted to it.
type fixture struct {
	*Server
	sockets *sockets
	redis   redis.Stats
	drains  bool
}

func newFixture(t *testing.T, change func(*Options), ids ...string) *fixture {
	t.Helper()
	f := &fixture{sockets: &sockets{booted: make(chan struct{})}}
	close(f.sockets.booted)
	hub := broadcast.NewHub(broadcast.Options{Timed: true})
	loop := hub.Loops()[0]
	loop.Attach(loop.Drain, loop.Drain)
	var settings []apps.Settings
	for _, id := range ids {
		s := apps.DefaultSettings()
		s.ID, s.Key, s.Secret = id, "key-"+id, "secret-of-"+id
		settings = append(settings, s)
	}
	registry, err := apps.NewRegistry(hub, settings)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		Version: "1.2.3", Hub: hub, Registry: registry, Server: f.sockets, Draining: func() bool { return f.drains },
		Redis:    func() redis.Stats { return f.redis },
		Webhooks: func() webhook.Stats { return webhook.Stats{Waiting: 1, Sent: 2, Failed: 3, Dropped: 4} },
		LogLost:  func() int64 { return 5 },
	}
	if change != nil {
		change(&o)
	}
	f.Server = New(o)
	return f
}

func (f *fixture) get(path string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = "127.0.0.1:9601"
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	f.http.Handler.ServeHTTP(w, r)
	return w
}

// Counters that no client can move here are shown as they are told.
func TestMetricsOfTheServer(t *testing.T) {
	f := newFixture(t, nil, "a")
	f.sockets.stats = eventloop.Stats{Refused: 11, SlowConsumers: 12, Panics: 13, Handshakes: 14, FailedHandshakes: 15, PlainTLS: 16, Limits: []limitlog.Count{{Name: "members refused", N: 17}}}
	f.redis = redis.Stats{Connected: true, Peers: 21, Sessions: 22, Foreign: 23, Dropped: 24, Unanswered: 25, Queued: 26}
	text := f.get("/metrics").Body.String()
	for _, want := range []string{
		"reverb_open_sockets 3", "reverb_connections_refused_total 11", "reverb_slow_consumers_total 12", "reverb_panics_total 13",
		`reverb_tls_handshakes_total{result="ok"} 14`, `reverb_tls_handshakes_total{result="failed"} 15`, "reverb_tls_on_plain_port_total 16", `reverb_limits_met_total{limit="members_refused"} 17`,
		"reverb_redis_connected 1", "reverb_redis_other_nodes 21", "reverb_redis_sessions_total 22", "reverb_redis_foreign_messages_total 23",
		"reverb_redis_events_dropped_total 24", "reverb_redis_queries_unanswered_total 25", "reverb_redis_queue_bytes 26",
		"reverb_webhooks_waiting_bytes 1", "reverb_webhook_events_sent_total 2", "reverb_webhook_attempts_failed_total 3",
		"reverb_webhook_events_dropped_total 4", "reverb_log_lines_lost_total 5", `reverb_build_info{version="1.2.3"} 1`,
		`reverb_connections{app="a"} 0`, `reverb_loop_connections{loop="0"} 0`, "go_goroutines ", "process_open_fds ",
	} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("no line %q", want)
		}
	}
	f.redis.Connected = false
	if text := f.get("/metrics").Body.String(); !strings.Contains(text, "\nreverb_redis_connected 0") {
		t.Error("Redis is said to be there")
	}
}

// promtool has nothing to complain of, and what asks for OpenMetrics gets it.
func TestMetricsFormat(t *testing.T) {
	f := newFixture(t, nil, "a", "b")
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Fatal("promtool is missing; .ci/install test installs it")
	}
	check := exec.Command(promtool, "check", "metrics")
	check.Stdin = bytes.NewReader(f.get("/metrics").Body.Bytes())
	if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
	w := f.get("/metrics", func(r *http.Request) { r.Header.Set("Accept", "application/openmetrics-text; version=1.0.0") })
	if !strings.HasPrefix(w.Header().Get("Content-Type"), "application/openmetrics-text") || !strings.HasSuffix(w.Body.String(), "# EOF\n") {
		t.Errorf("no OpenMetrics: %s", w.Header())
	}
}

// A thousand apps are a hundred values of the label, and their sum.
func TestMetricsOfManyApps(t *testing.T) {
	ids := make([]string, maxApps+3)
	for i := range ids {
		ids[i] = fmt.Sprint("app-", i)
	}
	f := newFixture(t, nil, ids...)
	for i, id := range ids {
		f.options.Hub.Directory(id).Count(nil, apps.Opened, uint64(i+1))
	}
	text := f.get("/metrics").Body.String()
	if n := strings.Count(text, "reverb_connections_opened_total{"); n != maxApps+1 {
		t.Errorf("%d series, want %d", n, maxApps+1)
	}
	if want := fmt.Sprintf("\nreverb_connections_opened_total{app=\"other\"} %d\n", 3*maxApps+6); !strings.Contains(text, want) {
		t.Errorf("no %q", want)
	}
}

// Orchestrators learn in time when nothing should come here, and when only a restart helps.
func TestHealth(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.ReadyRedis = time.Minute; o.Password = "p" })
	f.redis.Connected = true
	expect := func(name string, ready, live int) {
		t.Helper()
		if r, l := f.get("/ready").Code, f.get("/live").Code; r != ready || l != live {
			t.Errorf("%s: /ready %d and /live %d, want %d and %d", name, r, l, ready, live)
		}
	}
	now := time.Now()
	f.watchRedis(now)
	expect("all is well", 200, 200)
	f.redis.Connected = false
	f.watchRedis(now.Add(-time.Second))
	expect("Redis is away for a second", 200, 200)
	f.redis.Connected = true
	f.watchRedis(now)
	f.redis.Connected = false
	f.watchRedis(now.Add(-2 * time.Minute))
	f.watchRedis(now)
	expect("for two minutes", 503, 200)
	f.redis.Connected = true
	f.watchRedis(now)
	f.drains = true
	expect("it drains", 503, 200)
	f.drains, f.sockets.stuck = false, true
	expect("a loop is stuck", 200, 503)
	f.sockets.booted = make(chan struct{})
	expect("it starts", 503, 200)
}

// Who may ask what.
func TestAccess(t *testing.T) {
	open := newFixture(t, nil)
	closed := newFixture(t, func(o *Options) { o.Password = "geheim" })
	host := func(h string) func(*http.Request) { return func(r *http.Request) { r.Host = h } }
	login := func(p string) func(*http.Request) { return func(r *http.Request) { r.SetBasicAuth("any", p) } }
	for _, tt := range []struct {
		name string
		f    *fixture
		r    func(*http.Request)
		want int
	}{
		{"by address", open, host("127.0.0.1:9601"), 200},
		{"by IPv6 address", open, host("[::1]:9601"), 200},
		{"as localhost", open, host("localhost:9601"), 200},
		{"by a name that leads here", open, host("evil.example:9601"), 421},
		{"no password", closed, host("10.0.0.1:9601"), 401},
		{"a wrong one", closed, login("geheim "), 401},
		{"the password", closed, login("geheim"), 200},
	} {
		if got := tt.f.get("/metrics", tt.r).Code; got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
	for path, want := range map[string]int{"/debug/pprof/": 404, "/nothing": 404} {
		if got := open.get(path).Code; got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	if got := newFixture(t, func(o *Options) { o.Pprof = true }).get("/debug/pprof/").Code; got != 200 {
		t.Errorf("/debug/pprof/: %d with --pprof", got)
	}
	if text := open.get("/metrics").Body.String(); strings.Contains(text, "secret-of-") {
		t.Error("a secret is shown")
	}
}
