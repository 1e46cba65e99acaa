package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What reverbd stop, restart, reload and status do to a server, and signals.

// command runs a command for the server, from the same place and with the same flags, and returns its exit code and what it printed.
func (s *server) command(t *testing.T, name string) (code int, out string) {
	t.Helper()
	return runToEnd(t, s.dir, nil, append([]string{name}, s.args...)...)
}

// must runs a command that must succeed.
func (s *server) must(t *testing.T, name string) string {
	t.Helper()
	code, out := s.command(t, name)
	if code != 0 {
		t.Fatalf("reverbd %s: exit code %d\n%s\nthe server:\n%s", name, code, out, s.output)
	}
	return out
}

// status returns the value of one line of reverbd status.
func (s *server) status(t *testing.T, what string) string {
	t.Helper()
	for line := range strings.Lines(s.must(t, "status")) {
		if text, ok := strings.CutPrefix(line, what+" "); ok {
			return strings.TrimSpace(text)
		}
	}
	return ""
}

// serving returns the id of the process that serves.
func (s *server) serving(t *testing.T) int {
	t.Helper()
	pid, err := strconv.Atoi(s.status(t, "pid"))
	must(t, err)
	return pid
}

// mustEnd fails unless the process that was started ends with the exit code.
func (s *server) mustEnd(t *testing.T, code int) {
	t.Helper()
	select {
	case <-s.exited:
	case <-time.After(stopTimeout):
		t.Fatalf("reverbd does not end:\n%s", s.output)
	}
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](s.err); ok {
		got = exit.ExitCode()
	}
	if got != code {
		t.Fatalf("reverbd ended with %d, want %d:\n%s", got, code, s.output)
	}
	s.err = nil // for stop
}

func TestStatusAndStop(t *testing.T) {
	t.Parallel()
	s := startServer(t, "--dev", "--debug=false")
	c, err := establish(s)
	must(t, err)
	defer c.Close()
	out := s.must(t, "status")
	for _, want := range []string{"pid          " + strconv.Itoa(s.cmd.Process.Pid), "uptime", "version", "connections  1", "serving", "app app-id   1 connections"} {
		if !strings.Contains(out, want) {
			t.Errorf("status lacks %q:\n%s", want, out)
		}
	}
	left := make(chan error)
	go func() { left <- errors.Join(c.dismissed(4200), c.Close()) }()
	s.must(t, "stop")
	must(t, <-left)
	if syscall.Kill(s.cmd.Process.Pid, 0) == nil {
		select {
		case <-s.exited: // it may not have been waited for
		case <-time.After(stopTimeout):
			t.Error("stop returns before the process is gone")
		}
	}
	s.mustEnd(t, 0)
	for name, want := range map[string]int{"status": 3, "stop": 1, "reload": 1, "restart": 1} {
		if code, out := s.command(t, name); code != want || !strings.Contains(out, "no server runs with this configuration") {
			t.Errorf("%s of nobody: exit code %d, %s", name, code, out)
		}
	}
}

// Commands find a server by the pid file alone, and distinguish a killed server from one that never ran.
func TestPidFile(t *testing.T) {
	t.Parallel()
	dir, port := t.TempDir(), freePort(t)
	pidFile := filepath.Join(dir, "reverbd.pid")
	args := []string{"--dev", "--debug=false", "--port", strconv.Itoa(port), "--pid-file", pidFile}
	by := func(name string) (int, string) { return runToEnd(t, t.TempDir(), nil, name, "--pid-file", pidFile) }
	if code, out := by("status"); code != 3 || !strings.Contains(out, "there is no pid file") {
		t.Errorf("before: %d %s", code, out)
	}
	s, err := launch(dir, port, args...)
	must(t, err)
	if text, err := os.ReadFile(pidFile); err != nil || strings.TrimSpace(string(text)) != strconv.Itoa(s.cmd.Process.Pid) {
		t.Errorf("the pid file holds %s, %v", text, err)
	}
	if code, out := by("status"); code != 0 || !strings.Contains(out, "serving") {
		t.Errorf("status: %d %s", code, out)
	}
	if code, out := runToEnd(t, dir, nil, "--dev", "--port", strconv.Itoa(freePort(t)), "--pid-file", pidFile); code != 1 ||
		!strings.Contains(out, "another server has this control socket") {
		t.Errorf("a second server with this pid file: %d %s", code, out)
	}
	must(t, s.cmd.Process.Kill())
	<-s.exited
	if code, out := by("stop"); code != 1 || !strings.Contains(out, "was killed") {
		t.Errorf("of a server that was killed: %d %s", code, out)
	}
	again := startServerIn(t, dir, port, args...)
	if code, out := by("status"); code != 0 || !strings.Contains(out, strconv.Itoa(again.cmd.Process.Pid)) {
		t.Errorf("started again: %d %s", code, out)
	}
	must(t, os.Remove(pidFile+".control")) // as a clean-up job may do
	await(t, "another socket", func() bool { code, _ := by("status"); return code == 0 })
	must(t, again.stop())
	if _, err := os.Stat(pidFile); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the pid file stays: %v", err)
	}
}

// A killed server leaves a socket behind, which is not taken for a server and does not prevent the next start.
func TestKilledServerIsNotFound(t *testing.T) {
	t.Parallel()
	dir, port := t.TempDir(), freePort(t)
	args := []string{"--dev", "--debug=false", "--port", strconv.Itoa(port)}
	s, err := launch(dir, port, args...)
	must(t, err)
	must(t, s.cmd.Process.Kill())
	<-s.exited
	if code, out := s.command(t, "status"); code != 3 || !strings.Contains(out, "was killed") {
		t.Errorf("%d %s", code, out)
	}
	s = startServerIn(t, dir, port, args...)
	if got := s.serving(t); got != s.cmd.Process.Pid {
		t.Errorf("process %d serves", got)
	}
}

const reloadable = `apps:
  apps:
    - {app_id: app-id, key: app-key, secret: app-secret, allowed_origins: ["*"]}
    - {app_id: second, key: second-key, secret: second-secret}
    - {app_id: third, key: third-key, secret: third-secret}
`

// A reload, by command or by SIGHUP, changes what can be changed at run time; a configuration with an error changes nothing.
func TestReload(t *testing.T) {
	t.Parallel()
	dir, port := t.TempDir(), freePort(t)
	write := func(text string) { must(t, os.WriteFile(filepath.Join(dir, "c.yaml"), []byte(text), 0o600)) }
	write(reloadable)
	s := startServerIn(t, dir, port, "--config", "c.yaml", "--host", "127.0.0.1", "--port", strconv.Itoa(port))
	connect := func(key string) *echoConn {
		t.Helper()
		c, err := dialPath(s.addr(), "/app/"+key)
		must(t, err)
		t.Cleanup(func() { _ = c.Close() })
		if f, err := c.next(); err != nil || !strings.Contains(string(f.payload), "connection_established") {
			t.Fatalf("%s gets %q instead of connection_established, %v", key, f.payload, err)
		}
		return c
	}
	stays, removed, disabled := connect("app-key"), connect("second-key"), connect("third-key")

	write(strings.Replace(reloadable, `"*"]`, `""]`, 1))
	if code, out := s.command(t, "reload"); code != 1 || !strings.Contains(out, "nothing has been changed") || !strings.Contains(out, "empty pattern") {
		t.Errorf("with a mistake: %d %s", code, out)
	}
	write("apps: [")
	must(t, s.cmd.Process.Signal(syscall.SIGHUP))
	s.awaitOutput(t, "c.yaml, line 1")
	must(t, errors.Join(stays.served(), removed.served(), disabled.served()))

	write(`servers: {reverb: {log_level: debug, reactors: 7, max_request_size: 2000}}
apps:
  apps:
    - {app_id: app-id, key: app-key, secret: app-secret, allowed_origins: [x.test], accept_client_events_from: none}
    - {app_id: third, key: third-key, secret: third-secret, enabled: false}
    - {app_id: fourth, key: fourth-key, secret: fourth-secret}
`)
	out := s.must(t, "reload")
	for _, want := range []string{"needs a restart: reactors", "added: fourth", "disabled: third", "removed: second"} {
		if !strings.Contains(out, want) {
			t.Errorf("reload does not say %q:\n%s", want, out)
		}
	}
	gone := func(name string, c *echoConn, code int) {
		t.Helper()
		if err := c.dismissed(code); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	gone("the removed app", removed, 4001)
	gone("the disabled app", disabled, 4003)
	must(t, stays.served())
	stays.write(wire(textOf(`{"event":"client-x","channel":"a","data":1}`)), 0)
	if f, err := stays.next(); err != nil || !strings.Contains(string(f.payload), "client messaging") {
		t.Errorf("a client event is answered with %q, %v", f.payload, err)
	}
	connect("fourth-key")
	c, err := dialPath(s.addr(), "/app/app-key") // without an origin
	must(t, err)
	gone("a client of another origin", c, 4009)
	_ = c.Close()

	write(reloadable)
	must(t, s.cmd.Process.Signal(syscall.SIGHUP))
	await(t, "the second app", func() bool {
		c, err := dialPath(s.addr(), "/app/second-key")
		must(t, err)
		defer c.Close()
		f, err := c.next()
		must(t, err)
		return strings.Contains(string(f.payload), "connection_established")
	})
	must(t, stays.served())
}

// While a stop is delayed, /up answers 503 and everything else works; then all clients get a close frame that makes them reconnect.
func TestDrainDelay(t *testing.T) {
	t.Parallel()
	s := startServer(t, "--dev", "--debug=false", "--drain-delay", "3600")
	c, err := establish(s)
	must(t, err)
	defer c.Close()
	must(t, s.cmd.Process.Signal(syscall.SIGTERM))
	up := func() int {
		res, err := http.Get(s.url("/up"))
		must(t, err)
		_ = res.Body.Close()
		return res.StatusCode
	}
	await(t, "503", func() bool { return up() == http.StatusServiceUnavailable })
	if got := s.status(t, "state"); got != "draining" {
		t.Errorf("the server is %s", got)
	}
	must(t, c.served())
	late, err := establish(s)
	must(t, err)
	must(t, errors.Join(late.served(), late.Close()))

	must(t, s.cmd.Process.Signal(syscall.SIGINT)) // at once
	s.mustEnd(t, 0)
}

// The three signals that end Reverb end the server.
func TestStopSignals(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGTSTP} {
		s := startServer(t, "--dev", "--debug=false")
		must(t, s.cmd.Process.Signal(signal))
		s.mustEnd(t, 0)
	}
}

func (s *server) awaitOutput(t *testing.T, text string) {
	t.Helper()
	await(t, text, func() bool { return strings.Contains(s.output.String(), text) })
}

// await polls until f reports true.
func await(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(startTimeout); !f(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no sign of %s", what)
		}
	}
}

// A server that was started in a symbolic link to the current release reads the .env of the release that the link points to later.
func TestReloadOfANewRelease(t *testing.T) {
	t.Parallel()
	dir, port := t.TempDir(), freePort(t)
	for release, id := range map[string]string{"one": "first", "two": "second"} {
		must(t, os.Mkdir(filepath.Join(dir, release), 0o755))
		must(t, os.WriteFile(filepath.Join(dir, release, ".env"), fmt.Appendf(nil,
			"REVERB_SERVER_HOST=127.0.0.1\nREVERB_SERVER_PORT=%d\nREVERB_APP_ID=%s\nREVERB_APP_KEY=k\nREVERB_APP_SECRET=s\n", port, id), 0o600))
	}
	current := filepath.Join(dir, "current")
	must(t, os.Symlink("one", current))
	s := &server{port: port, dir: current, binary: serverBinary, env: []string{"PWD=" + current}} // as a shell's cd leaves it
	must(t, s.start())
	defer func() { must(t, s.stop()) }()
	must(t, s.awaitReady())
	must(t, os.Remove(current))
	must(t, os.Symlink("two", current))
	if out := s.must(t, "reload"); !strings.Contains(out, "added: second") || !strings.Contains(out, "removed: first") {
		t.Errorf("reload of a new release: %s", out)
	}
}

// A server is found after its address has changed in the .env: it is the only one of its directory. A flag that names another address
// means no other server.
func TestCommandsAfterAChangedPort(t *testing.T) {
	t.Parallel()
	dir, port := t.TempDir(), freePort(t)
	write := func(port int) {
		must(t, os.WriteFile(filepath.Join(dir, ".env"), fmt.Appendf(nil,
			"REVERB_SERVER_HOST=127.0.0.1\nREVERB_SERVER_PORT=%d\nREVERB_APP_ID=shop\nREVERB_APP_KEY=k\nREVERB_APP_SECRET=s\n", port), 0o600))
	}
	write(port)
	s := startServerIn(t, dir, port)
	changed := freePort(t)
	write(changed)
	pid := "process " + strconv.Itoa(s.cmd.Process.Pid)
	if out := s.must(t, "status"); !strings.Contains(out, pid) || !strings.Contains(out, strconv.Itoa(port)) {
		t.Errorf("status does not name the server that runs:\n%s", out)
	}
	if out := s.must(t, "reload"); !strings.Contains(out, "needs a restart: port") {
		t.Errorf("reload does not name the change:\n%s", out)
	}
	if code, out := runToEnd(t, dir, nil, "stop", "--port", strconv.Itoa(changed)); code != 1 || !strings.Contains(out, "no server runs") {
		t.Errorf("stop with the flag of another server: %d %s", code, out)
	}
	s.must(t, "stop")
	s.mustEnd(t, 0)
}

// Where several servers fit, none is meant: they are listed, and one is chosen by its process id.
func TestCommandsForOneOfSeveral(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var servers []*server
	for range 2 {
		port := freePort(t)
		servers = append(servers, startServerIn(t, dir, port, "--dev", "--debug=false", "--port", strconv.Itoa(port)))
	}
	unused := []string{"REVERB_SERVER_PORT=" + strconv.Itoa(freePort(t))}
	for _, command := range []string{"stop", "reload", "restart"} {
		code, out := runToEnd(t, dir, unused, command)
		for _, s := range servers {
			if want := fmt.Sprintf("pid %d", s.cmd.Process.Pid); code != 1 || !strings.Contains(out, want) || !strings.Contains(out, s.addr()) {
				t.Errorf("%s: exit code %d, without %q:\n%s", command, code, want, out)
			}
		}
	}
	pid := strconv.Itoa(servers[1].cmd.Process.Pid)
	code, out := runToEnd(t, dir, unused, "status", "--json", "--pid", pid)
	var report struct {
		PID       int
		Addresses []string
		Directory string
	}
	if err := json.Unmarshal([]byte(out), &report); code != 0 || err != nil || strconv.Itoa(report.PID) != pid ||
		!slices.Equal(report.Addresses, []string{servers[1].addr()}) || report.Directory != dir {
		t.Errorf("exit code %d, %v: %s", code, err, out)
	}
	if code, out := runToEnd(t, dir, unused, "stop", "--pid", strconv.Itoa(os.Getpid())); code != 1 || !strings.Contains(out, "pid "+pid) {
		t.Errorf("stop of a process that is no server: %d %s", code, out)
	}
	if code, out := runToEnd(t, dir, unused, "stop", "--pid", pid); code != 0 {
		t.Errorf("stop: %d %s", code, out)
	}
	servers[1].mustEnd(t, 0)
	servers[0].must(t, "status")
}
