package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
)

// supervisord is Debian's Supervisor with what a package of it would have in /etc/supervisor, but all below one directory.
const supervisord = `[unix_http_server]
file=%[1]s/control.sock
[supervisord]
nodaemon=true
user=%[2]s
logfile=%[1]s/supervisord.log
pidfile=%[1]s/supervisord.pid
childlogdir=%[1]s
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://%[1]s/control.sock
[include]
files = %[1]s/conf.d/*.conf
`

// Under Supervisor reverbd runs as an ordinary user in the directory of the .env. supervisorctl restarts and stops it; both times the clients
// get a close frame that makes them reconnect.
func TestSupervisor(t *testing.T) {
	t.Parallel()
	dir, me := publicDir(t), currentUser(t)
	s := &server{port: freePort(t), dir: dir, output: new(output)}
	dotenv := fmt.Sprintf("REVERB_APP_ID=%s\nREVERB_APP_KEY=%s\nREVERB_APP_SECRET=%s\nREVERB_SERVER_HOST=127.0.0.1\nREVERB_SERVER_PORT=%d\n",
		appID, appKey, appSecret, s.port)
	must(t, os.WriteFile(filepath.Join(dir, ".env"), []byte(dotenv), 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "supervisord.conf"), fmt.Appendf(nil, supervisord, dir, me), 0o644))
	swaps := map[string]string{
		"command=/usr/local/bin/reverbd": "command=" + publicBinary(t), "directory=/var/www/html": "directory=" + dir,
		"/var/log/supervisor/": dir + "/",
	}
	if me != "root" {
		swaps["user=www-data"] = "user=" + me
	}
	deploy(t, "supervisor/reverbd.conf", filepath.Join(dir, "conf.d/reverbd.conf"), swaps)

	p := startProgram(t, dir, "supervisord", "-c", "supervisord.conf")
	control := func(command ...string) string {
		return run(t, dir, "supervisorctl", append(append([]string{"-c", "supervisord.conf"}, command...), "reverbd")...)
	}
	ready := func() bool { return answers(s.port) }
	p.await(t, "reverbd", ready)
	pid := control("pid")
	if me == "root" {
		if owner := ownerOf(t, strings.TrimSpace(pid)); owner != "www-data" {
			t.Errorf("it runs as %s", owner)
		}
	}

	// supervisorctl returns when reverbd has ended, which waits for its clients to leave.
	told := func(command ...string) {
		t.Helper()
		c, err := establish(s)
		must(t, err)
		left := make(chan error)
		go func() { left <- errors.Join(c.dismissed(4200), c.Close()) }()
		control(command...)
		must(t, <-left)
	}
	// After reverbd restart Supervisor still watches the same process, and the commands find the server.
	for range 2 {
		was := s.serving(t)
		told("signal", "USR2")
		if now := s.serving(t); now == was {
			t.Errorf("process %d still serves", now)
		}
		if again := control("pid"); again != pid {
			t.Errorf("Supervisor's process was %s and is %s", pid, again)
		}
	}

	told("restart")
	p.await(t, "reverbd again", ready)
	if again := control("pid"); again == pid {
		t.Errorf("process %s was not restarted", pid)
	}

	told("stop")
	if answers(s.port) {
		t.Error("somebody still listens")
	}
	p.stop(t)
	log, err := os.ReadFile(filepath.Join(dir, "supervisord.log"))
	must(t, err)
	if stops := strings.Count(string(log), "stopped: reverbd (exit status 0)"); stops != 2 || strings.Contains(string(log), "SIGKILL") {
		t.Errorf("%d of 2 stops ended well:\n%s", stops, log)
	}
}

// publicDir returns a directory that other users may read, unlike those of t.TempDir.
func publicDir(t *testing.T) string {
	t.Helper()
	dir := shortDir(t)
	must(t, os.Chmod(dir, 0o755))
	return dir
}

// publicBinary is the server where other users may execute it.
func publicBinary(t *testing.T) string {
	t.Helper()
	must(t, os.Chmod(filepath.Dir(serverBinary), 0o755))
	return serverBinary
}

func currentUser(t *testing.T) string {
	t.Helper()
	u, err := user.Current()
	must(t, err)
	return u.Username
}
