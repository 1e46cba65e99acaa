package e2e

import (
	"bufio"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A restart passes on all listeners: the file of a unix socket stays the same and is removed with the last server, and the new process uses
// the certificate that is on disk then.
func TestRestartPassesOnAllListeners(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	dir := t.TempDir()
	socket, cert, key := filepath.Join(dir, "s"), filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	renew := func(name string) {
		t.Helper()
		c, k := ca.issue(t, name)
		must(t, errors.Join(os.Rename(c, cert), os.Rename(k, key)))
	}
	renew("first.test")
	s := &server{port: freePort(t), dir: dir, binary: serverBinary}
	s.args = []string{"--dev", "--debug=false", "--drain-timeout", "0", "--tls-cert", cert, "--tls-key", key,
		"--listen", s.addr(), "--listen", "unix:" + socket}
	must(t, s.start())
	defer func() {
		if err := s.stop(); err != nil {
			t.Errorf("%v\n%s", err, s.output)
		}
	}()
	up := func(conn net.Conn) {
		t.Helper()
		defer conn.Close()
		req, err := http.NewRequest(http.MethodGet, "http://reverbd/up", nil)
		must(t, err)
		req.Close = true
		must(t, req.Write(conn))
		res, err := http.ReadResponse(bufio.NewReader(conn), req)
		must(t, err)
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Error(res.Status)
		}
	}
	certified := func(name string) bool {
		t.Helper()
		conn, err := tls.Dial("tcp", s.addr(), &tls.Config{RootCAs: ca.pool, ServerName: name})
		if err != nil {
			return false
		}
		up(conn)
		return true
	}
	overSocket := func() {
		t.Helper()
		conn, err := net.Dial("unix", socket)
		must(t, err)
		up(conn)
	}
	await(t, "the server", func() bool { return certified("first.test") })
	overSocket()
	before, err := os.Lstat(socket)
	must(t, err)

	for range 2 {
		was := s.serving(t)
		s.must(t, "restart")
		if s.serving(t) == was {
			t.Fatal("it was not restarted")
		}
		await(t, "the old process's end", func() bool {
			if was == s.cmd.Process.Pid {
				name, err := os.ReadFile("/proc/" + s.status(t, "started by") + "/cmdline")
				return err == nil && strings.HasPrefix(string(name), "reverbd (supervisor)")
			}
			return syscall.Kill(was, 0) != nil
		})
		overSocket()
		if after, err := os.Lstat(socket); err != nil || !os.SameFile(before, after) {
			t.Errorf("the socket is another one: %v", err)
		}
	}
	renew("second.test")
	s.must(t, "reload")
	if !certified("second.test") {
		t.Error("a reload does not take the new certificate")
	}
	renew("third.test")
	s.must(t, "restart")
	if !certified("third.test") {
		t.Error("a restart does not take the new certificate")
	}
	must(t, os.WriteFile(cert, []byte("nonsense"), 0o600))
	if code, out := s.command(t, "reload"); code != 1 || !strings.Contains(out, "nothing has been changed") {
		t.Errorf("a reload with a broken certificate: %d %s", code, out)
	}
	if !certified("third.test") {
		t.Error("a broken certificate has changed something")
	}
	must(t, s.stop())
	if _, err := os.Lstat(socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket stays behind: %v", err)
	}
}
