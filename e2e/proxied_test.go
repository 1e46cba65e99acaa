package e2e

import (
	"crypto/tls"
	"net/http"
	"testing"

	"github.com/gobwas/ws"
)

// Checks that apply to every proxy in front of the server.

// servesTLS connects a client and a publisher over TLS, to a certificate of the authority for ws.example.com.
func servesTLS(t *testing.T, front *server, ca *authority) {
	t.Helper()
	trust := &tls.Config{RootCAs: ca.pool, ServerName: "ws.example.com"}
	c := dialBy(t, ws.Dialer{TLSConfig: trust}, "wss://"+front.addr()+"/app/"+appKey)
	c.nextEvent("pusher:connection_established")
	c.subscribe("news", nil)
	p := publisher(front)
	p.Secure, p.HTTPClient = true, &http.Client{Transport: &http.Transport{TLSClientConfig: trust}}
	must(t, p.Trigger("news", "story", "over TLS"))
	if got := c.nextEvent("story").text(t); got != "over TLS" {
		t.Error(got)
	}
}

// balancesClients connects clients, of which each node must get half; when the second node has stopped, the first must get all.
func balancesClients(t *testing.T, front, one, two *server) {
	t.Helper()
	for range 40 {
		connect(t, front)
	}
	if a, b := connections(t, one), connections(t, two); a != 20 || b != 20 {
		t.Errorf("%d and %d of 40 clients", a, b)
	}
	must(t, two.stop())
	for range 20 {
		connect(t, front)
	}
	if a := connections(t, one); a != 40 {
		t.Errorf("%d clients on the node that is left, want 40", a)
	}
}
