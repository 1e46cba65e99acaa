package e2e

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"reverbd/apps/appstest"
	"reverbd/cmd/reverbd/config"
)

// sessionDriver talks to the sessions and the API without a socket.
type sessionDriver struct {
	t       *testing.T
	server  *appstest.Server
	clients map[string]*appstest.Client
}

func newSessionDriver(t *testing.T, conf config.Config) *sessionDriver {
	return &sessionDriver{t, appstest.New(t, appstest.Options{
		Apps: conf.Apps, Prefix: conf.Path, Tolerance: conf.AuthTimestampTolerance,
		CacheTTL: conf.CacheTTL, CacheBytes: conf.CacheBytes,
	}), map[string]*appstest.Client{}}
}

func (d *sessionDriver) open(conn, key, origin string) {
	c := d.server.Dial("/app/"+key, origin)
	if c == nil {
		d.t.Fatalf("no WebSocket is served for %s", key)
	}
	d.clients[conn] = c
}

func (d *sessionDriver) send(conn, text string) { d.clients[conn].Send(text) }

func (d *sessionDriver) drop(conn string) { d.clients[conn].Drop() }

func (d *sessionDriver) request(method, target, body string) *response {
	w := d.server.Do(httptest.NewRequest(method, target, strings.NewReader(body)))
	return &response{w.Code, w.Header().Get("Content-Type"), w.Body.String()}
}

func (d *sessionDriver) collect(conn string, _ int) (texts []string, closed int) {
	c := d.clients[conn]
	return c.Received(), int(c.Closed())
}

func (d *sessionDriver) now() time.Time { return d.server.Now() }

// cannot: the size of a request is bounded by who reads it from the socket.
func (d *sessionDriver) cannot(transcript string, step int) string {
	if transcript == "api-errors" && step == 14 {
		return "the API is given whole requests; whoever reads them bounds their size"
	}
	return ""
}

// recordedConfigFile is configFile with the data of pusher:error as the recorded server had it (decision 23), and without what it did
// not send.
func recordedConfigFile(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(configFile(t))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "reverb.yml")
	text := strings.ReplaceAll(string(b), "    - app_id:", "    - error_data: string\n      subscription_error: false\n      app_id:")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// configFile is the configuration that the transcripts of our own are about.
func configFile(t *testing.T) string {
	t.Helper()
	file, err := filepath.Abs("testdata/own/reverb.yml")
	if err != nil {
		t.Fatal(err)
	}
	return file
}
