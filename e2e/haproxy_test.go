package e2e

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"testing"
)

// proxyAddress is what HAProxy connects from.
const proxyAddress = "127.0.0.9"

// startBehindHAProxy starts a server that trusts HAProxy.
func startBehindHAProxy(t *testing.T, args ...string) *server {
	t.Helper()
	return startServer(t, append([]string{"--proxy-protocol", "--trusted-proxies", proxyAddress}, args...)...)
}

// haproxy is Debian's HAProxy with the configuration in deploy/haproxy.
type haproxy struct {
	*program
	place
	secure *server // with TLS
}

// startHAProxy starts one in front of two servers, with a certificate of ca, as its service does: a master and a worker.
func startHAProxy(t *testing.T, one, two *server, ca *authority, more map[string]string) *haproxy {
	t.Helper()
	h := &haproxy{place: newPlace(t), secure: &server{port: freePort(t)}}
	ca.bundle(t, h.at("both.pem"), "ws.example.com")
	swaps := map[string]string{
		"10.0.0.11:8080": one.addr(), "10.0.0.12:8080": two.addr(),
		"bind :80\n": fmt.Sprintf("bind %s\n", h.listen()), "# bind :443 ": fmt.Sprintf("bind %s ", h.secure.addr()),
		"/etc/haproxy/ws.example.com.pem": h.at("both.pem"), "log /dev/log local0 notice": "log stderr format raw local0 notice",
		"maxconn 50000": "maxconn 2000",
	}
	swaps["send-proxy-v2"] = "send-proxy-v2 source " + proxyAddress // others on this machine are no proxies
	maps.Copy(swaps, more)
	deploy(t, "haproxy/haproxy.cfg", h.at("haproxy.cfg"), swaps)
	h.program = startProgram(t, h.dir, "haproxy", "-W", "-f", h.at("haproxy.cfg"))
	h.await(t, "its port", func() bool { return answers(h.port) })
	h.await(t, "a node that is up", func() bool {
		res, err := http.Get(h.front().url("/up"))
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	return h
}

// Clients and server libraries work the same through HAProxy, with TLS and without.
func TestHAProxy(t *testing.T) {
	t.Parallel()
	s, ca := startBehindHAProxy(t, "--dev"), newAuthority(t)
	h := startHAProxy(t, s, s, ca, nil)
	for _, dir := range []string{"pusher-js", "pusher-node"} {
		t.Run(dir, func(t *testing.T) { runScenarios(t, dir, h.front()) })
	}
	t.Run("TLS", func(t *testing.T) {
		servesTLS(t, h.secure, ca)
	})
	t.Run("HTTP2", func(t *testing.T) {
		runScenarios(t, "chromium-http2", h.secure, append(ca.trustedByChromium(t), "REVERBD_TLS=1")...)
	})
}

// Each node gets half of the clients; when one is gone, the other gets all.
func TestHAProxySeveralNodes(t *testing.T) {
	t.Parallel()
	one, two := startBehindHAProxy(t, "--dev"), startBehindHAProxy(t, "--dev")
	front := startHAProxy(t, one, two, newAuthority(t), nil).front()
	balancesClients(t, front, one, two)
}

// from5 dials from 127.0.0.5.
func from5(ctx context.Context, network, addr string) (net.Conn, error) {
	return (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 5)}}).DialContext(ctx, network, addr)
}
