package e2e

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/gobwas/ws"
)

// secureServer is a server with TLS, the authority that its certificate is from, and its files.
func secureServer(t *testing.T, args ...string) (s *server, ca *authority, cert, key string) {
	t.Helper()
	ca = newAuthority(t)
	cert, key = ca.issue(t, "localhost")
	s = startServer(t, append([]string{"--dev", "--tls-cert", cert, "--tls-key", key}, args...)...)
	return s, ca, cert, key
}

// Clients and server libraries over TLS, on Node.
func TestTLSInTheProcess(t *testing.T) {
	t.Parallel()
	s, ca, _, _ := secureServer(t)
	if out := s.output.String(); !strings.Contains(out, "Starting secure server on "+s.addr()) || !strings.Contains(out, "TLS by --tls-cert") {
		t.Error("the start line does not say that it is secure, and why:", out)
	}
	for _, dir := range []string{"pusher-js", "laravel-echo", "pusher-node"} {
		t.Run(dir, func(t *testing.T) { runScenarios(t, dir, s, "REVERBD_TLS=1", "NODE_EXTRA_CA_CERTS="+ca.file) })
	}
	res, err := http.Get(s.url("/up"))
	must(t, err)
	_ = res.Body.Close()
	if res.StatusCode != http.StatusBadRequest {
		t.Error("a plain request is answered with", res.Status)
	}
}

// Chromium has the authority in its store, as a developer's has that of mkcert, Herd or Valet.
func TestTLSInChromium(t *testing.T) {
	t.Parallel()
	s, ca, _, _ := secureServer(t)
	runScenarios(t, "chromium", s, append(ca.trustedByChromium(t), "REVERBD_TLS=1", "RESTART_URL="+restarter(t, s))...)
}

// OpenSSL requests new keys for both directions (RFC 8446 section 4.6.3), and the connection continues.
func TestTLSKeyUpdate(t *testing.T) {
	t.Parallel()
	s, ca, _, _ := secureServer(t)
	cmd := exec.CommandContext(t.Context(), requireProgram(t, "openssl"), "s_client", "-connect", s.addr(), "-CAfile", ca.file, "-tls1_3", "-crlf")
	in, err := cmd.StdinPipe()
	must(t, err)
	p := &program{cmd: cmd, output: new(output), exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.output, p.output
	must(t, cmd.Start())
	go func() {
		p.err = cmd.Wait()
		close(p.exited)
	}()
	say := func(text, want string, count int) {
		t.Helper()
		_, err := in.Write([]byte(text))
		must(t, err)
		p.await(t, want, func() bool { return strings.Count(p.output.String(), want) >= count })
	}
	p.await(t, "a verified handshake", func() bool { return strings.Contains(p.output.String(), "Verify return code: 0 (ok)") })
	const ask = "GET /up HTTP/1.1\nHost: reverbd\n\n"
	say(ask, `{"health":"OK"}`, 1)
	say("k\n", "KEYUPDATE", 1)
	say(ask, `{"health":"OK"}`, 2)
	say("K\n", "KEYUPDATE", 2)
	say(ask, `{"health":"OK"}`, 3)
	_ = in.Close()
	<-p.exited
}

// After SIGHUP new connections get a renewed certificate, and existing connections stay.
func TestTLSCertificateIsRenewed(t *testing.T) {
	t.Parallel()
	s, ca, cert, key := secureServer(t)
	serial := func() string {
		c, err := tls.Dial("tcp4", s.addr(), &tls.Config{RootCAs: ca.pool, ServerName: "localhost"})
		must(t, err)
		defer c.Close()
		return fmt.Sprint(c.ConnectionState().PeerCertificates[0].SerialNumber)
	}
	old, err := tls.Dial("tcp4", s.addr(), &tls.Config{RootCAs: ca.pool, ServerName: "localhost"})
	must(t, err)
	defer old.Close()
	first := serial()
	renewed, renewedKey := ca.issue(t, "localhost")
	must(t, os.Rename(renewed, cert))
	must(t, os.Rename(renewedKey, key))
	must(t, s.cmd.Process.Signal(syscall.SIGHUP))
	p := &program{cmd: s.cmd, output: s.output, exited: s.exited}
	p.await(t, "the renewed certificate", func() bool { return serial() != first })
	upgradeOn(t, old, s)
}

// upgradeOn makes a WebSocket of a connection, reads connection_established and has a ping answered.
func upgradeOn(t *testing.T, conn net.Conn, s *server) *client {
	t.Helper()
	var d ws.Dialer
	address, err := url.Parse("ws://" + s.addr() + "/app/" + appKey)
	must(t, err)
	early, _, err := d.Upgrade(conn, address)
	must(t, err)
	c := &client{t: t, conn: conn, in: conn}
	if early != nil {
		c.in = io.MultiReader(io.LimitReader(early, int64(early.Buffered())), conn)
	}
	c.nextEvent("pusher:connection_established")
	c.send(`{"event":"pusher:ping","data":{}}`)
	c.nextEvent("pusher:pong")
	return c
}
