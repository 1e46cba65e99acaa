package e2e

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// proxyCase is a proxy of Debian's with the configuration that deploy/ has for it.
type proxyCase struct {
	name      string
	server    func(port int) []string // how reverbd is told to believe it; nil: by X-Forwarded-For
	start     func(t *testing.T, s *server) *proxied
	unlimited bool // an idle client is never ended
	cutsOff   bool // a reload ends all clients
	mayReset  bool // a reload has been seen to reset a connection that was being made
	mayCutOff bool // a reload has been seen to end all clients, and mostly ends none
}

// proxied is a proxy that runs in front of a server. Its limit for idle clients is five seconds.
type proxied struct {
	*program
	front    *server
	trust    *tls.Config      // of clients, if it speaks TLS
	reload   func(*testing.T) // has it read a configuration that differs, as its service does
	reloaded func() bool      // whether that is in use; nil: /reloaded is not reverbd's any more
}

var proxyCases = []proxyCase{
	{name: "nginx", start: nginxInFront},
	{name: "haproxy", start: haproxyInFront, server: func(int) []string {
		return []string{"--proxy-protocol", "--trusted-proxies", proxyAddress}
	}},
	{name: "apache", start: startApache},
	{name: "caddy", start: startCaddy, unlimited: true, cutsOff: true},
	{name: "lighttpd", start: startLighttpd, mayCutOff: true},
	{name: "varnish", start: startVarnish},
	{name: "trafficserver", start: startTrafficServer},
	{name: "hitch", start: startHitch, unlimited: true, mayReset: true, server: func(port int) []string {
		// The tests come to 127.0.0.1 and speak no PROXY protocol, hitch to ::1.
		return []string{"--listen", fmt.Sprintf("[::1]:%d", port), "--proxy-protocol", "--trusted-proxies", "::1"}
	}},
}

// quietKey is that of a second application, which does not ping.
const quietKey = "quiet-key"

// Clients and publishers work through every proxy, also while the proxy or the server is restarted or reloaded.
func TestProxies(t *testing.T) {
	t.Parallel()
	for _, tc := range proxyCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := tc.startServer(t)
			p := tc.start(t, s)
			p.await(t, "an answer", func() bool { return p.status("/up") == http.StatusOK })

			pinged, silent := p.connect(t, appKey, ws.Dialer{}), p.connect(t, quietKey, ws.Dialer{})
			t.Run("exchange", func(t *testing.T) { testExchange(t, p) })
			t.Run("client address", func(t *testing.T) { testClientAddress(t, s, p) })
			t.Run("too large", func(t *testing.T) { testTooLarge(t, p) })
			t.Run("idle", func(t *testing.T) { testIdle(t, tc, pinged, silent) })
			t.Run("restart", func(t *testing.T) { testRestartBehind(t, s, p) })
			t.Run("reload", func(t *testing.T) { testReload(t, tc, p) })
		})
	}
}

func (tc proxyCase) startServer(t *testing.T) *server {
	t.Helper()
	dir, port := t.TempDir(), freePort(t)
	config := filepath.Join(dir, "reverb.json")
	must(t, os.WriteFile(config, fmt.Appendf(nil, `{"apps": {"apps": [
		{"app_id": %q, "key": %q, "secret": %q, "ping_interval": 1, "activity_timeout": 20},
		{"app_id": "quiet", "key": %q, "secret": "s", "ping_interval": 3600}]}}`, appID, appKey, appSecret, quietKey), 0o600))
	args := []string{"--trusted-proxies", "127.0.0.1"}
	if tc.server != nil {
		args = tc.server(port)
	}
	return startServerIn(t, dir, port, append([]string{
		"--config", config, "--listen", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), "--debug", "--drain-timeout", "2",
	}, args...)...)
}

// connect opens a connection to an application and reads connection_established.
func (p *proxied) connect(t *testing.T, key string, dialer ws.Dialer) *client {
	t.Helper()
	c := dialBy(t, p.dialer(dialer), p.url(key))
	c.nextEvent("pusher:connection_established")
	return c
}

func (p *proxied) dialer(d ws.Dialer) ws.Dialer {
	d.TLSConfig = p.trust
	return d
}

func (p *proxied) url(key string) string {
	scheme := "ws"
	if p.trust != nil {
		scheme = "wss"
	}
	return scheme + "://" + p.front.addr() + "/app/" + key
}

// http is a client that keeps connections, or does not.
func (p *proxied) http(t *testing.T, keep bool) *http.Client {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: p.trust, DisableKeepAlives: !keep}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 2 * clientTimeout}
}

// status is that of the answer to a GET on a new connection, 0 if there is none.
func (p *proxied) status(path string) int {
	scheme := "http"
	if p.trust != nil {
		scheme = "https"
	}
	client := &http.Client{
		Transport: &http.Transport{TLSClientConfig: p.trust, DisableKeepAlives: true}, Timeout: clientTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Get(scheme + "://" + p.front.addr() + path)
	if err != nil {
		return 0
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// publish publishes to the channel news.
func (p *proxied) publish(t *testing.T, by *http.Client, name, data string) error {
	t.Helper()
	api := publisher(p.front)
	api.Secure, api.HTTPClient = p.trust != nil, by
	return api.Trigger("news", name, data)
}

// testExchange: what is published through the proxy, on connections that are kept and on new ones, is heard through it.
func testExchange(t *testing.T, p *proxied) {
	c := p.connect(t, appKey, ws.Dialer{})
	c.subscribe("news", nil)
	for _, keep := range []bool{true, false} {
		by := p.http(t, keep)
		for i := range 3 {
			want := fmt.Sprintf("%v %d", keep, i)
			must(t, p.publish(t, by, "story", want))
			if got := c.nextEvent("story").text(t); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
	}
	c.send(`{"event":"pusher:ping","data":{}}`)
	c.nextEvent("pusher:pong")
}

// testClientAddress: the server knows the client's address, whatever headers the client sends.
func testClientAddress(t *testing.T, s *server, p *proxied) {
	p.connect(t, appKey, ws.Dialer{NetDial: from5, Header: ws.HandshakeHeaderHTTP{
		"X-Forwarded-For": {"192.0.2.6"}, "Forwarded": {"for=192.0.2.7"},
	}})
	s.awaitOutput(t, "from 127.0.0.5")
	if text := s.output.String(); strings.Contains(text, "192.0.2.") {
		t.Errorf("it believes the client:\n%s", text)
	}
}

// testTooLarge: a request that is too large is refused by its head, before the body arrives.
func testTooLarge(t *testing.T, p *proxied) {
	conn, err := net.Dial("tcp", p.front.addr())
	must(t, err)
	defer conn.Close()
	if p.trust != nil {
		conn = tls.Client(conn, p.trust)
	}
	must(t, conn.SetDeadline(time.Now().Add(clientTimeout)))
	_, err = fmt.Fprintf(conn, "POST /apps/%s/events HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: 50000000\r\n\r\n{", appID, p.front.addr())
	must(t, err)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	must(t, err)
	_ = res.Body.Close()
	if res.StatusCode != http.StatusRequestEntityTooLarge {
		t.Error(res.Status)
	}
}
