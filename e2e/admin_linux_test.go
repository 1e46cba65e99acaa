package e2e

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"reverbd/protocol/pusher"
)

// adminServer starts a server with an admin address, and returns the URL of that.
func adminServer(t *testing.T, args ...string) (*server, string) {
	t.Helper()
	at := net.JoinHostPort("127.0.0.1", strconv.Itoa(freePort(t)))
	return startServer(t, append([]string{"--dev", "--admin-listen", at}, args...)...), "http://" + at
}

// fetch returns the body of a URL, which must answer with 200.
func fetch(t *testing.T, url string) string {
	t.Helper()
	res, err := http.Get(url)
	must(t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	must(t, err)
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s\n%s", url, res.Status, body)
	}
	return string(body)
}

// scrape returns the series of /metrics by their names with labels, as Prometheus reads them.
func scrape(t *testing.T, admin string) map[string]float64 {
	t.Helper()
	series := make(map[string]float64)
	for lines := bufio.NewScanner(strings.NewReader(fetch(t, admin+"/metrics"))); lines.Scan(); {
		name, value, ok := cutLast(lines.Text(), " ")
		if v, err := strconv.ParseFloat(value, 64); ok && err == nil && !strings.HasPrefix(name, "#") {
			series[name] = v
		}
	}
	return series
}

func cutLast(s, sep string) (before, after string, ok bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// What clients and publishers do moves every counter of it, by as much.
func TestMetricsMove(t *testing.T) {
	t.Parallel()
	s, admin := adminServer(t, "--reactors", "1")
	before := scrape(t, admin)

	c, other := connect(t, s), connect(t, s)
	c.subscribe("room", nil)
	other.join("presence-room", "1")
	c.join("presence-room", "2")
	other.nextEvent("pusher_internal:member_added")
	c.send(`{"event":"client-x","channel":"presence-room","data":{"a":1}}`)
	other.nextEvent("client-x")
	c.send(`nonsense`)
	c.nextEvent("pusher:error")
	publishOK := func(path, body string) {
		t.Helper()
		if status, text := signedPost(t, s, path, body); status != http.StatusOK {
			t.Fatalf("%s: %d %s", path, status, text)
		}
	}
	publishOK("/apps/"+appID+"/events", `{"name":"e","channel":"room","data":"d"}`)
	c.nextEvent("e")
	publishOK("/apps/"+appID+"/batch_events", `{"batch":[{"name":"e","channel":"room","data":"d"},{"name":"e","channel":"room","data":"d"}]}`)
	c.nextEvent("e")
	c.nextEvent("e")
	if status, _ := signedPost(t, s, "/apps/"+appID+"/events", `{}`); status != http.StatusUnprocessableEntity {
		t.Fatalf("%d for an event without a name", status)
	}
	dial(t, s, "/app/no-such-key").expectDismissal(4001, "Application does not exist")
	gone := connect(t, s)
	must(t, ws.WriteFrame(gone.conn, ws.MaskFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusNormalClosure, "")))))
	gone.expectClose(ws.StatusNormalClosure)
	plain, err := net.Dial("tcp", s.addr())
	must(t, err)
	_, _ = plain.Write([]byte("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"))
	if n, _ := plain.Read(make([]byte, 1)); n != 0 {
		t.Error("TLS is answered on the plain port")
	}
	res, err := http.Post(s.url("/apps/"+appID+"/events"), "application/json", strings.NewReader(strings.Repeat("x", 20_000)))
	must(t, err)
	_ = res.Body.Close()

	after := scrape(t, admin)
	for name, want := range map[string]float64{
		`reverb_connections{app="app-id"}`:                                          2,
		`reverb_connections_opened_total{app="app-id"}`:                             3,
		`reverb_connections_closed_total{app="app-id",code="1000",reason="normal"}`: 1,
		`reverb_channels{app="app-id",kind="public"}`:                               1,
		`reverb_channels{app="app-id",kind="presence"}`:                             1,
		`reverb_subscriptions{app="app-id"}`:                                        3,
		`reverb_messages_received_total{app="app-id"}`:                              5,
		`reverb_messages_sent_total{app="app-id"}`:                                  13,
		`reverb_events_total{app="app-id",source="api"}`:                            1,
		`reverb_events_total{app="app-id",source="batch"}`:                          2,
		`reverb_events_total{app="app-id",source="client"}`:                         1,
		`reverb_deliveries_total{app="app-id"}`:                                     5, // one of them is member_added
		`reverb_refusals_total{app="app-id",code="4200",reason="invalid_format"}`:   1,
		`reverb_refusals_total{app="",code="4001",reason="unknown_app"}`:            1,
		`reverb_api_requests_total{app="app-id",route="events",status="200"}`:       1,
		`reverb_api_requests_total{app="app-id",route="events",status="422"}`:       1,
		`reverb_api_requests_total{app="app-id",route="batch_events",status="200"}`: 1,
		`reverb_api_requests_total{app="",route="other",status="413"}`:              1,
		`reverb_api_request_duration_seconds_count{app="app-id"}`:                   3,
		`reverb_delivery_duration_seconds_count{app="app-id"}`:                      4,
		`reverb_tls_on_plain_port_total`:                                            1,
		`reverb_loop_connections{loop="0"}`:                                         2,
	} {
		if got := after[name] - before[name]; got != want {
			t.Errorf("%s has moved by %v, want %v", name, got, want)
		}
	}
	for _, name := range []string{
		`reverb_received_bytes_total{app="app-id"}`, `reverb_sent_bytes_total{app="app-id"}`, `reverb_api_request_duration_seconds_sum{app="app-id"}`,
		`reverb_delivery_duration_seconds_sum{app="app-id"}`, `reverb_loop_write_rounds_total{loop="0"}`, `reverb_loop_writes_total{loop="0"}`,
		`reverb_loop_frames_total{loop="0"}`, `reverb_loop_turn_duration_seconds_count{loop="0"}`, `reverb_loop_turn_duration_seconds_sum{loop="0"}`,
		`reverb_loop_longest_turn_seconds{loop="0"}`, `reverb_open_sockets`,
	} {
		if after[name] <= 0 || after[name] < before[name] {
			t.Errorf("%s is %v after %v", name, after[name], before[name])
		}
	}
	for _, text := range []string{"REVERB_SCHEME=http", "max_request_size", "no app has the key"} {
		s.awaitOutputTimes(t, text, 1)
	}
}

// signedPost sends a request of the dev app and returns the answer.
func signedPost(t *testing.T, s *server, path, body string) (status int, text string) {
	t.Helper()
	query := pusher.SignQuery(appKey, appSecret, http.MethodPost, path, nil, []byte(body), time.Now())
	res, err := http.Post(s.url(path+"?"+query), "application/json", strings.NewReader(body))
	must(t, err)
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	must(t, err)
	return res.StatusCode, string(answer)
}

// The address moves to the new process in a restart, and is ready only while there is one that is not draining.
func TestAdminAddressInARestart(t *testing.T) {
	t.Parallel()
	s, admin := adminServer(t, "--drain-timeout", "1")
	fetch(t, admin+"/live")
	fetch(t, admin+"/ready")
	first := s.cmd.Process.Pid
	s.must(t, "restart")
	s.awaitOutputTimes(t, "the admin address is served", 2)
	fetch(t, admin+"/ready")
	ended(t, first, first)
}

// The alerts of deploy/prometheus fire on what they are for, and are quiet otherwise.
func TestAlertRules(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"test", "rules", "reverbd.rules.test.yml"}, {"check", "config", "prometheus.yml"}} {
		check := exec.Command("promtool", args...)
		check.Dir = "../deploy/prometheus"
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", args, err, out)
		}
	}
}

// What the rules and the dashboard for Grafana ask for is among what is measured.
func TestRulesAskForMetricsThatExist(t *testing.T) {
	t.Parallel()
	known, err := os.ReadFile("../cmd/reverbd/admin/metrics.go")
	must(t, err)
	for _, file := range []string{"../deploy/prometheus/reverbd.rules.yml", "../deploy/grafana/dashboard.json", "../docs/monitoring.md"} {
		text, err := os.ReadFile(file)
		must(t, err)
		names := regexp.MustCompile(`\breverb_(\w+)`).FindAllSubmatch(text, -1)
		if len(names) == 0 {
			t.Errorf("%s asks for nothing", file)
		}
		for _, name := range names {
			base := regexp.MustCompile(`_seconds_(sum|count|bucket)$`).ReplaceAll(name[1], []byte("_seconds"))
			if !bytes.Contains(known, []byte(`"`+string(base)+`"`)) {
				t.Errorf("%s asks for %s, which is not measured", file, name[0])
			}
		}
	}
	for _, name := range regexp.MustCompile(`desc\("(\w+)"`).FindAllSubmatch(known, -1) {
		page, err := os.ReadFile("../docs/monitoring.md")
		must(t, err)
		if !bytes.Contains(page, append([]byte("reverb_"), name[1]...)) {
			t.Errorf("docs/monitoring.md does not explain reverb_%s", name[1])
		}
	}
	rules, err := os.ReadFile("../deploy/prometheus/reverbd.rules.yml")
	must(t, err)
	for _, alert := range regexp.MustCompile(`alert: (\w+)`).FindAllSubmatch(rules, -1) {
		page, err := os.ReadFile("../docs/monitoring.md")
		must(t, err)
		if !bytes.Contains(page, alert[1]) {
			t.Errorf("docs/monitoring.md does not say what to do about %s", alert[1])
		}
	}
}

// A real Prometheus scrapes the server and has its series.
func TestPrometheus(t *testing.T) {
	t.Parallel()
	s, admin := adminServer(t)
	c := connect(t, s)
	c.subscribe("room", nil)
	dir, at := t.TempDir(), net.JoinHostPort("127.0.0.1", strconv.Itoa(freePort(t)))
	conf := "scrape_configs:\n  - job_name: reverbd\n    scrape_interval: 1s\n    static_configs:\n      - targets: [\"" + strings.TrimPrefix(admin, "http://") + "\"]\n"
	must(t, os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(conf), 0o600))
	prometheus := exec.Command("prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data", "--web.listen-address="+at)
	prometheus.Dir = dir
	text := new(output)
	prometheus.Stdout, prometheus.Stderr = text, text
	must(t, prometheus.Start())
	t.Cleanup(func() {
		_ = prometheus.Process.Signal(syscall.SIGTERM)
		_ = prometheus.Wait()
		if t.Failed() {
			t.Log(text.String())
		}
	})
	for _, query := range []string{`reverb_connections{app="app-id"} == 1`, `rate(reverb_loop_turn_duration_seconds_sum[10s])`, `up{job="reverbd"} == 1`} {
		eventually(t, time.Minute, query, func() string {
			res, err := http.Get("http://" + at + "/api/v1/query?query=" + url.QueryEscape(query))
			if err != nil {
				return err.Error()
			}
			defer func() { _ = res.Body.Close() }()
			if body, _ := io.ReadAll(res.Body); !bytes.Contains(body, []byte(`"metric"`)) {
				return string(body)
			}
			return ""
		})
	}
}

// An address that others can reach needs a password.
func TestAdminAddressWithoutPassword(t *testing.T) {
	t.Parallel()
	code, out := runToEnd(t, t.TempDir(), nil, "--dev", "--admin-listen", "0.0.0.0:9601")
	if code != 2 || !strings.Contains(out, "REVERB_ADMIN_PASSWORD") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}
