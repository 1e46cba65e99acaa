package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// preflightReport is what reverbd preflight --json writes.
type preflightReport struct {
	Connections int
	Level       string
	Findings    []preflightFinding
}

type preflightFinding struct {
	Check, Level, Found, Need, Why string
	Fixes                          []struct{ File string }
}

// of is the finding of one check.
func (r preflightReport) of(t *testing.T, check string) preflightFinding {
	t.Helper()
	for _, f := range r.Findings {
		if f.Check == check {
			return f
		}
	}
	t.Fatalf("nothing is found about %s: %+v", check, r.Findings)
	return preflightFinding{}
}

// limited runs reverbd to its end with a descriptor limit (0 is none), and returns its exit code and what it printed.
func limited(t *testing.T, descriptors int, args ...string) (code int, out string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), serverBinary, args...)
	if descriptors > 0 {
		cmd = exec.CommandContext(t.Context(), "prlimit", append([]string{nofile(descriptors), serverBinary}, args...)...)
	}
	return exitOf(t, cmd, t.TempDir(), nil)
}

func nofile(n int) string { return fmt.Sprintf("--nofile=%d:%d", n, n) }

// preflightJSON is preflight --json with more flags, checked against its exit code.
func preflightJSON(t *testing.T, descriptors int, args ...string) preflightReport {
	t.Helper()
	code, out := limited(t, descriptors, append([]string{"preflight", "--json"}, args...)...)
	var r preflightReport
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if want := map[string]int{"ok": 0, "warning": 1, "fatal": 2}[r.Level]; code != want {
		t.Errorf("exit code %d with the level %q", code, r.Level)
	}
	for _, f := range r.Findings {
		if f.Check == "" || f.Level == "" || f.Found == "" || f.Need == "" || f.Why == "" {
			t.Errorf("a finding lacks something: %+v", f)
		}
	}
	return r
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	r := preflightJSON(t, 0)
	if r.Connections != 10_000 || len(r.Findings) < 15 {
		t.Errorf("%+v", r)
	}
	if r = preflightJSON(t, 0, "--expect-connections", "123"); r.Connections != 123 {
		t.Errorf("%d connections, not those that are expected", r.Connections)
	}
	if r = preflightJSON(t, 100, "--connections", "10000"); r.Level != "fatal" || r.of(t, "descriptors").Level != "fatal" {
		t.Errorf("100 descriptors for 10,000 connections: %+v", r)
	}
	code, text := limited(t, 100, "preflight")
	if code != 2 || !strings.Contains(text, "fatal    descriptors") || strings.Contains(text, "\x1b") {
		t.Errorf("exit code %d, %q", code, text)
	}
	_, fixes := limited(t, 100, "preflight", "--print-fixes")
	if !strings.Contains(fixes, "nofile") || !strings.HasPrefix(fixes, "# ") {
		t.Errorf("no fix in %q", fixes)
	}
	for _, wrong := range [][]string{{"--connections", "0"}, {"extra"}, {"--port", "x"}} {
		if code, text := limited(t, 0, append([]string{"preflight"}, wrong...)...); code != 2 {
			t.Errorf("%v: exit code %d, %s", wrong, code, text)
		}
	}
}

// A server that cannot hold the expected connections does not start, except with --skip-preflight.
func TestStartIsRefused(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	args := []string{"start", "--dev", "--port", strconv.Itoa(port), "--reactors", "2", "--expect-connections", "10000"}
	code, text := limited(t, 100, args...)
	if code != 1 || !strings.Contains(text, "cannot hold 10,000 connections") || !strings.Contains(text, "fatal    descriptors") {
		t.Errorf("exit code %d, %s", code, text)
	}
	s := startLimited(t, 100, port, append(args, "--skip-preflight")...)
	if c, err := establish(s); err != nil {
		t.Error(err)
	} else {
		_ = c.Close()
	}
}

// startLimited starts reverbd with a descriptor limit and waits until it answers on the port.
func startLimited(t *testing.T, descriptors, port int, args ...string) *server {
	t.Helper()
	s := &server{port: port, dir: t.TempDir(), binary: requireProgram(t, "prlimit")}
	s.args = append([]string{nofile(descriptors), serverBinary}, args...)
	must(t, s.start())
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	must(t, s.awaitReady())
	return s
}

// With the number of descriptors that preflight demands the server holds the connections, and not many more.
func TestPreflightCountsAsTheServerDoes(t *testing.T) {
	t.Parallel()
	const connections = 150
	flags := []string{"--reactors", "2"}
	asked := preflightJSON(t, 0, append(flags, "--connections", strconv.Itoa(connections))...).of(t, "descriptors").Need
	descriptors, err := strconv.Atoi(strings.ReplaceAll(asked, ",", ""))
	must(t, err)
	port := freePort(t)
	s := startLimited(t, descriptors, port, append(flags, "--dev", "--debug=false", "--port", strconv.Itoa(port))...)
	open := 0
	for range connections + 50 {
		if c, err := establish(s); err == nil {
			defer c.Close()
			open++
		}
	}
	if open < connections || open > connections+20 {
		t.Errorf("with the %d descriptors asked for, %d connections are held, not %d", descriptors, open, connections)
	}
}

// preflight has no finding about the Nginx configuration in deploy, and names the fix for one that does not work.
func TestPreflightNginx(t *testing.T) {
	t.Parallel()
	s := startServer(t, "--dev")
	n := startNginx(t, oneNode(s))
	port := strconv.Itoa(s.port)
	r := preflightJSON(t, 0, "--port", port, "--connections", "5000", "--nginx", filepath.Join(n.dir, "nginx.conf"))
	for _, check := range []string{"worker_rlimit_nofile", "worker_connections", "app", "apps", "upgrade", "proxy_read_timeout"} {
		if f := r.of(t, "nginx."+check); f.Level != "ok" {
			t.Errorf("deploy/nginx: %+v", f)
		}
	}

	dir := t.TempDir()
	file := filepath.Join(dir, "nginx.conf")
	must(t, os.WriteFile(file, []byte(fmt.Sprintf(`pid %s/nginx.pid;
events { worker_connections 768; }
http {
    access_log off;
    server {
        listen 127.0.0.1:%d;
        location / { proxy_set_header Host $http_host; proxy_pass http://%s; }
    }
}
`, dir, freePort(t), s.addr())), 0o644))
	args := []string{"--port", port, "--connections", "5000", "--nginx", file}
	if r := preflightJSON(t, 0, args...); r.of(t, "nginx.upgrade").Level != "fatal" || r.of(t, "nginx.worker_connections").Level != "fatal" {
		t.Errorf("%+v", r)
	}
	_, out := limited(t, 0, append([]string{"preflight", "--print-fixes", "--json"}, args...)...)
	var files []struct{ Path, Content string }
	must(t, json.Unmarshal([]byte(out), &files))
	for _, f := range files {
		if f.Path == file {
			must(t, os.WriteFile(file, []byte(f.Content), 0o644))
		}
	}
	r = preflightJSON(t, 0, args...)
	for _, f := range r.Findings {
		if strings.HasPrefix(f.Check, "nginx.") && f.Level != "ok" {
			t.Errorf("after its fix: %+v", f)
		}
	}
	if text, err := exec.Command("nginx", "-t", "-p", dir, "-c", file, "-e", filepath.Join(dir, "error.log")).CombinedOutput(); err != nil {
		t.Errorf("nginx refuses the fix: %v\n%s", err, text)
	}
}

// preflightOf runs preflight for 100 connections with environment variables.
func preflightOf(t *testing.T, env ...string) (r preflightReport) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), serverBinary, "preflight", "--json", "--connections", "100")
	cmd.Dir, cmd.Env, cmd.SysProcAttr = t.TempDir(), append(plainEnvironment(), env...), childAttributes()
	out, _ := cmd.Output() // the exit code is that of this machine
	must(t, json.Unmarshal(out, &r))
	return r
}

// preflight checks Redis. A missing Redis is a warning, since a node works without it.
func TestPreflightAsksRedis(t *testing.T) {
	t.Parallel()
	port := strconv.Itoa(freePort(t))
	env := []string{"REVERB_SCALING_ENABLED=true", "REDIS_HOST=127.0.0.1", "REDIS_PORT=" + port}
	ask := func() preflightReport { return preflightOf(t, env...) }
	if f := ask().of(t, "redis"); f.Level != "warning" || !strings.Contains(f.Found, "refused") {
		t.Errorf("%+v", f)
	}
	p := startProgram(t, t.TempDir(), "redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--maxclients", "5")
	p.await(t, "Redis", func() bool {
		conn, err := net.Dial("tcp4", net.JoinHostPort("127.0.0.1", port))
		return err == nil && conn.Close() == nil
	})
	r := ask()
	for check, level := range map[string]string{"redis": "ok", "redis.maxclients": "fatal", "redis.client-output-buffer-limit": "ok"} {
		if f := r.of(t, check); f.Level != level {
			t.Errorf("%+v", f)
		}
	}
}

// Under Supervisor preflight knows who limits it and by which file. supervisord raises its soft limit to minfds and leaves a higher
// hard one as it is, which its programs inherit and Go uses.
func TestPreflightUnderSupervisor(t *testing.T) {
	t.Parallel()
	dir := publicDir(t)
	file, report := filepath.Join(dir, "supervisord.conf"), filepath.Join(dir, "report")
	must(t, os.WriteFile(file, fmt.Appendf(nil, `[supervisord]
nodaemon=true
user=%[4]s
logfile=%[1]s/supervisord.log
pidfile=%[1]s/supervisord.pid
childlogdir=%[1]s
minfds=2000 ; more than the soft limit
[program:preflight]
command=%[2]s preflight --json --connections 5000
directory=%[1]s
autorestart=false
startsecs=0
stdout_logfile=%[3]s
`, dir, publicBinary(t), report, currentUser(t)), 0o644))
	p := startProgram(t, dir, "prlimit", "--nofile=1000:3000", requireProgram(t, "supervisord"), "-c", file)
	var r preflightReport
	p.await(t, "the report", func() bool {
		text, err := os.ReadFile(report)
		return err == nil && json.Unmarshal(text, &r) == nil
	})
	for check, found := range map[string]string{
		"descriptors": "3,000 (the hard limit of this process, under supervisor)", "supervisor.minfds": "2,000 (minfds); 3,000",
	} {
		f := r.of(t, check)
		if f.Level != "fatal" || !strings.HasPrefix(f.Found, found) || len(f.Fixes) == 0 || f.Fixes[0].File != file {
			t.Errorf("%+v", f)
		}
	}
}
