package e2e

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

// proxyAddress is what HAProxy connects from.
const proxyAddress = "127.0.0.9"

// startBehindHAProxy starts a server that believes HAProxy.
func startBehindHAProxy(t *testing.T, args ...string) *server {
	t.Helper()
	return startServer(t, append([]string{"--proxy-protocol", "--trusted-proxies", proxyAddress}, args...)...)
}

// startHAProxy starts Debian's HAProxy with the configuration in deploy/haproxy in front of two servers. It listens on port without
// TLS, and with the certificate of ca on securePort.
func startHAProxy(t *testing.T, one, two *server, ca *authority, more map[string]string) (front, secure *server) {
	t.Helper()
	front, secure = &server{port: freePort(t)}, &server{port: freePort(t)}
	dir := t.TempDir()
	config, pem := filepath.Join(dir, "haproxy.cfg"), filepath.Join(dir, "both.pem")
	cert, key := ca.issue(t, "ws.example.com")
	var both []byte
	for _, file := range []string{cert, key} {
		text, err := os.ReadFile(file)
		must(t, err)
		both = append(both, text...)
	}
	must(t, os.WriteFile(pem, both, 0o600))
	swaps := map[string]string{
		"10.0.0.11:8080": one.addr(), "10.0.0.12:8080": two.addr(),
		"bind :80\n": fmt.Sprintf("bind %s\n", front.addr()), "# bind :443 ": fmt.Sprintf("bind %s ", secure.addr()),
		"/etc/haproxy/ws.example.com.pem": pem, "log /dev/log local0 notice": "log stderr format raw local0 notice",
		"maxconn 50000": "maxconn 2000",
	}
	swaps["send-proxy-v2"] = "send-proxy-v2 source " + proxyAddress // others on this machine are no proxies
	maps.Copy(swaps, more)
	deploy(t, "haproxy/haproxy.cfg", config, swaps)
	p := startProgram(t, dir, "haproxy", "-f", config, "-db")
	p.await(t, "its port", func() bool { return answers(front.port) })
	p.await(t, "a node that is up", func() bool {
		res, err := http.Get(front.url("/up"))
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	return front, secure
}

// Clients and server libraries notice nothing of HAProxy in between, with TLS or without.
func TestHAProxy(t *testing.T) {
	t.Parallel()
	s, ca := startBehindHAProxy(t, "--dev"), newAuthority(t)
	front, secure := startHAProxy(t, s, s, ca, nil)
	for _, dir := range []string{"pusher-js", "pusher-node"} {
		t.Run(dir, func(t *testing.T) { runScenarios(t, dir, front) })
	}
	t.Run("TLS", func(t *testing.T) {
		servesTLS(t, secure, ca)
	})
}

// A client that is silent for longer than HAProxy waits lives on, because it is pinged; without pings HAProxy would end it.
func TestHAProxyIdle(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	through := func(s *server) *client {
		front, _ := startHAProxy(t, s, s, ca, map[string]string{"timeout tunnel 120s": "timeout tunnel 5s"})
		return connect(t, front)
	}
	pinged := through(startBehindHAProxy(t, "--config", writeConfig(t, `"ping_interval": 1, "activity_timeout": 5`)))
	silent := through(startBehindHAProxy(t, "--dev"))
	survivesIdleTimeout(t, pinged, silent)
}

// Each node gets half of the clients; one that is gone is noticed, and the other one takes everybody.
func TestHAProxySeveralNodes(t *testing.T) {
	t.Parallel()
	one, two := startBehindHAProxy(t, "--dev"), startBehindHAProxy(t, "--dev")
	front, _ := startHAProxy(t, one, two, newAuthority(t), nil)
	balancesClients(t, front, one, two)
}

// from5 dials from 127.0.0.5.
func from5(ctx context.Context, network, addr string) (net.Conn, error) {
	return (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 5)}}).DialContext(ctx, network, addr)
}

// By the PROXY protocol the server knows who a client is, and the health checks do without one.
func TestHAProxyTellsWhoTheClientIs(t *testing.T) {
	t.Parallel()
	s := startBehindHAProxy(t, "--dev")
	front, _ := startHAProxy(t, s, s, newAuthority(t), nil)
	c := dialBy(t, ws.Dialer{NetDial: from5}, "ws://"+front.addr()+"/app/"+appKey)
	c.nextEvent("pusher:connection_established")
	c.subscribe("news", nil)
	must(t, publisher(front).Trigger("news", "story", "by HAProxy"))
	if got := c.nextEvent("story").text(t); got != "by HAProxy" {
		t.Error(got)
	}
	s.awaitOutputTimes(t, "from 127.0.0.5:", 1)
	if strings.Contains(s.output.String(), proxyAddress) {
		t.Errorf("it takes the proxy for a client:\n%s", s.output)
	}
}
