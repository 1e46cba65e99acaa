package e2e

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// What clients need that no test of this tree runs: their bytes.

func TestDecision24Subprotocol(t *testing.T) {
	s := startServer(t, "--dev")
	for _, tt := range []struct{ offered, want string }{
		{"pusher-channels-protocol-7", "pusher-channels-protocol-7"}, // pusher-websocket-swift
		{"", ""},
		{"chat", ""},
	} {
		var lines []string
		if tt.offered != "" {
			lines = append(lines, "Sec-WebSocket-Protocol: "+tt.offered)
		}
		c := dialRaw(t, s)
		c.write(handshake("/app/app-key", lines...))
		res, err := http.ReadResponse(c.in, nil)
		if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("offering %q: %v %v", tt.offered, res, err)
		}
		if got := res.Header.Get("Sec-WebSocket-Protocol"); got != tt.want {
			t.Errorf("offering %q: got %q, want %q", tt.offered, got, tt.want)
		}
	}
}

func TestDecision25AbsoluteForm(t *testing.T) {
	s := startServer(t, "--dev")
	for _, target := range []string{"http://" + s.addr() + "/app/app-key", "HTTP://example.test/app/app-key?protocol=7"} {
		c := dialRaw(t, s)
		c.write(handshake(target))
		if res, err := http.ReadResponse(c.in, nil); err != nil || res.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("%s: %v %v", target, res, err)
		}
		if got := describe(c.frames(1)); !strings.Contains(got[0], "pusher:connection_established") {
			t.Errorf("%s: got %s, want connection_established", target, got)
		}
	}
}

// The official Python library and Elixir's pushest sign the body_md5 of a body that is not there.
func TestDecision26EmptyBodyMD5(t *testing.T) {
	s := startServer(t, "--dev")
	const path = "/apps/" + appID + "/channels"
	query := url.Values{"body_md5": {"d41d8cd98f00b204e9800998ecf8427e"}}
	res, err := http.Get(s.url(signTarget(appKey, appSecret, "GET", path, query, "", time.Now())))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("%d %s %v", res.StatusCode, body, err)
	}
	if got := res.Header.Get("Cache-Control"); got != "no-cache, private" {
		t.Errorf("Cache-Control %q", got)
	}
}
