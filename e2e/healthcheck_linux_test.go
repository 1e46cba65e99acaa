package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"testing"
)

// The health check finds the server by its configuration, whatever is spoken there, and tells when nobody answers.
func TestHealthCheck(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	cert, key := ca.issue(t, "ws.example.com")
	// Beside the address that is asked the tests need their own.
	for name, args := range map[string]func(port int) []string{
		"TCP":         func(port int) []string { return []string{"--host", "127.0.0.1", "--port", strconv.Itoa(port)} },
		"any address": func(port int) []string { return []string{"--host", "0.0.0.0", "--port", strconv.Itoa(port)} },
		"below a path": func(port int) []string {
			return []string{"--host", "127.0.0.1", "--port", strconv.Itoa(port), "--path", "/ws"}
		},
		"localhost": func(port int) []string { return []string{"--host", "localhost", "--port", strconv.Itoa(port)} },
		"TLS": func(port int) []string {
			return []string{"--host", "127.0.0.1", "--port", strconv.Itoa(port), "--tls-cert", cert, "--tls-key", key}
		},
		"unix socket": func(port int) []string {
			return []string{"--listen", "unix:" + filepath.Join(t.TempDir(), "s"), "--listen", fmt.Sprintf("127.0.0.1:%d", port)}
		},
		"PROXY protocol": func(port int) []string {
			return []string{"--listen", fmt.Sprintf("[::1]:%d", port), "--listen", fmt.Sprintf("127.0.0.1:%d", port),
				"--proxy-protocol", "--trusted-proxies", "::1"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			port := freePort(t)
			s := startServerIn(t, t.TempDir(), port, append([]string{"--dev", "--debug=false"}, args(port)...)...)
			s.must(t, "healthcheck")
			must(t, s.stop())
			if code, out := s.command(t, "healthcheck"); code != 1 {
				t.Errorf("of nobody: exit code %d, %s", code, out)
			}
		})
	}
}

// localhost is both of its addresses, of which clients try either first.
func TestLocalhost(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	s := startServerIn(t, t.TempDir(), port, "--dev", "--debug=false", "--host", "localhost", "--port", strconv.Itoa(port))
	old := s.serving(t)
	for range 2 {
		for _, host := range []string{"127.0.0.1", "[::1]", "localhost"} {
			mustBeUp(t, http.DefaultClient, fmt.Sprintf("http://%s:%d/up", host, port))
		}
		s.must(t, "restart")
	}
	if s.serving(t) == old {
		t.Error("it is the same process")
	}
}
