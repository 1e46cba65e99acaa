package e2e

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// localClient is a client of an HTTP server on a unix socket.
func localClient(path string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		},
	}}
}

func mustBeUp(t *testing.T, c *http.Client, url string) {
	t.Helper()
	res, err := c.Get(url)
	must(t, err)
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Error(url, res.Status)
	}
}

// Several addresses at once: a unix socket with its mode, and TCP. The file goes with a server that is stopped; what a killed one has
// left is replaced; and a restart hands it over.
func TestListenOnSeveralAddresses(t *testing.T) {
	t.Parallel()
	port, path := freePort(t), filepath.Join(t.TempDir(), "reverbd.sock")
	args := []string{
		"--dev", "--debug=false", "--drain-timeout", "0", "--listen", fmt.Sprintf("127.0.0.1:%d", port), "--listen", "unix:" + path + "?mode=0640",
	}
	killed, err := launch(t.TempDir(), port, args...)
	must(t, err)
	must(t, killed.cmd.Process.Kill())
	<-killed.exited
	if _, err := os.Lstat(path); err != nil {
		t.Error("nothing is left to be replaced:", err)
	}

	s := startServerIn(t, t.TempDir(), port, args...)
	mustBeUp(t, localClient(path), "http://reverbd/up")
	mustBeUp(t, http.DefaultClient, s.url("/up"))
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Error(info, err)
	}
	code, out := runToEnd(t, t.TempDir(), nil, "--dev", "--listen", "unix:"+path)
	if code != 1 || !strings.Contains(out, "address already in use") || !strings.Contains(out, path) {
		t.Errorf("a second server on the socket: exit code %d, %s", code, out)
	}

	for range 2 {
		s.must(t, "restart")
		ended(t, s.cmd.Process.Pid, s.cmd.Process.Pid)
		mustBeUp(t, localClient(path), "http://reverbd/up")
		mustBeUp(t, http.DefaultClient, s.url("/up"))
	}
	must(t, s.stop())
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the socket is still there:", err)
	}
}

// The server uses sockets that systemd has opened instead of the configured addresses, also after a restart.
func TestSocketActivationAcrossARestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "activated.sock")
	tcp, err := net.Listen("tcp4", "127.0.0.1:0")
	must(t, err)
	socket, err := net.Listen("unix", path)
	must(t, err)
	socket.(*net.UnixListener).SetUnlinkOnClose(false)
	port, configured := tcp.Addr().(*net.TCPAddr).Port, freePort(t)

	// systemd knows the process before it runs the program; here a shell does.
	s := &server{port: port, output: new(output), exited: make(chan struct{})}
	s.cmd = exec.Command("sh", "-c", `LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=web:local exec "$@"`, "sh",
		serverBinary)
	s.dir, s.args = t.TempDir(), []string{"--dev", "--debug=false", "--drain-timeout", "0", "--port", fmt.Sprint(configured)}
	s.cmd.Args = append(s.cmd.Args, s.args...)
	s.cmd.Dir, s.cmd.Env, s.cmd.Stdout, s.cmd.Stderr = s.dir, plainEnvironment(), s.output, s.output
	s.cmd.SysProcAttr = childAttributes()
	for _, l := range []interface{ File() (*os.File, error) }{tcp.(*net.TCPListener), socket.(*net.UnixListener)} {
		f, err := l.File()
		must(t, err)
		s.cmd.ExtraFiles = append(s.cmd.ExtraFiles, f)
	}
	must(t, s.cmd.Start())
	for _, f := range s.cmd.ExtraFiles {
		_ = f.Close()
	}
	_ = tcp.Close()
	_ = socket.Close()
	go func() {
		s.err = s.cmd.Wait()
		close(s.exited)
	}()
	t.Cleanup(func() {
		must(t, s.stop())
		if _, err := os.Lstat(path); err != nil {
			t.Error("the file was systemd's, and is gone:", err)
		}
		if t.Failed() {
			t.Log(s.output)
		}
	})
	must(t, s.awaitReady())
	for i := range 2 {
		mustBeUp(t, localClient(path), "http://reverbd/up")
		mustBeUp(t, http.DefaultClient, s.url("/up"))
		if answers(configured) {
			t.Error("it listens where it was configured, too")
		}
		if i == 0 {
			s.must(t, "restart")
			ended(t, s.cmd.Process.Pid, s.cmd.Process.Pid)
		}
	}
}
