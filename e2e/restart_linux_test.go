package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// After any number of restarts, the process that was started first forwards signals to the server that runs, and ends with it.
func TestFirstProcessStandsForTheServer(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		end  func(t *testing.T, s *server, serving int)
		code int
	}{
		{"stopped by a signal to the first process", func(t *testing.T, s *server, _ int) {
			must(t, s.cmd.Process.Signal(syscall.SIGTERM))
		}, 0},
		{"stopped by a command", func(t *testing.T, s *server, _ int) { s.must(t, "stop") }, 0},
		{"killed", func(t *testing.T, _ *server, serving int) { must(t, syscall.Kill(serving, syscall.SIGKILL)) }, 128 + 9},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := startServer(t, "--dev", "--debug=false", "--drain-timeout", "0")
			first := s.cmd.Process.Pid
			for range 3 {
				was := s.serving(t)
				s.must(t, "restart")
				if now := s.serving(t); now == was || now == first {
					t.Fatalf("process %d serves", now)
				}
				ended(t, was, first)
			}
			if got := s.status(t, "started by"); got != strconv.Itoa(first) {
				t.Errorf("started by %s, want %d", got, first)
			}
			must(t, s.cmd.Process.Signal(syscall.SIGHUP))
			s.awaitOutput(t, "reloaded")
			tc.end(t, s, s.serving(t))
			s.mustEnd(t, tc.code)
			if answers(s.port) {
				t.Error("somebody still listens")
			}
		})
	}
}

// While servers that have been replaced still close their connections, the server that runs is stopped by a signal to the first
// process: that ends with exit code 0, although another one collects the exit code of the server.
func TestStoppedWhileOldServersDrain(t *testing.T) {
	t.Parallel()
	s := startServer(t, "--dev", "--debug=false", "--drain-timeout", "3")
	for range 2 {
		for range 60 { // more than are closed at once
			c, err := establish(s)
			must(t, err)
			go func() { _, _ = c.dismissed(4200), c.Close() }()
		}
		s.must(t, "restart")
	}
	must(t, s.cmd.Process.Signal(syscall.SIGTERM))
	s.mustEnd(t, 0)
	if answers(s.port) {
		t.Error("somebody still listens")
	}
}

// A signal to the first process while it still has connections ends it and the new server.
func TestStoppedWhileItRestarts(t *testing.T) {
	t.Parallel()
	s := startServer(t, "--dev", "--debug=false", "--drain-timeout", "0")
	c, err := establish(s)
	must(t, err)
	defer c.Close() // it stays connected after the close frame
	s.must(t, "restart")
	must(t, s.cmd.Process.Signal(syscall.SIGTERM))
	s.mustEnd(t, 0)
	if answers(s.port) {
		t.Error("somebody still listens")
	}
}

// When the first process is killed, the server ends and leaves the port to the next one, which a process manager would start.
func TestFirstProcessIsKilled(t *testing.T) {
	t.Parallel()
	s := startServer(t, "--dev", "--debug=false", "--drain-timeout", "0")
	s.must(t, "restart")
	ended(t, s.cmd.Process.Pid, s.cmd.Process.Pid)
	must(t, s.cmd.Process.Kill())
	<-s.exited
	s.err = nil
	await(t, "the end of the server", func() bool { return !answers(s.port) })
}

// ended waits until a server with a successor has ended, or, if it was the first process, has become the stub.
func ended(t *testing.T, was, first int) {
	t.Helper()
	await(t, "the old process's end", func() bool {
		name, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", first))
		must(t, err)
		comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", first)) // set when the stub handles signals
		must(t, err)
		return strings.HasPrefix(string(name), "reverbd (supervisor)") && string(comm) == "reverbd\n" && (was == first || syscall.Kill(was, 0) != nil)
	})
}

// A new process that cannot serve changes nothing, and the command prints the reason.
func TestRestartFails(t *testing.T) {
	t.Parallel()
	dir, port := t.TempDir(), freePort(t)
	config, pidFile := filepath.Join(dir, "c.yaml"), filepath.Join(dir, "pid")
	must(t, os.WriteFile(config, []byte(reloadable), 0o600))
	s := startServerIn(t, dir, port, "--config", "c.yaml", "--host", "127.0.0.1", "--port", strconv.Itoa(port), "--pid-file", pidFile)
	s.args = []string{"--pid-file", pidFile} // is enough for commands
	c, err := establish(s)
	must(t, err)
	defer c.Close()
	was := s.serving(t)
	goesOn := func() {
		t.Helper()
		must(t, c.served())
		other, err := establish(s)
		must(t, err)
		must(t, errors.Join(other.served(), other.Close()))
		if now := s.serving(t); now != was {
			t.Errorf("process %d answers", now)
		}
		if text, err := os.ReadFile(pidFile); err != nil || strings.TrimSpace(string(text)) != strconv.Itoa(was) {
			t.Errorf("the pid file holds %s, %v", text, err)
		}
	}
	fails := func(want ...string) {
		t.Helper()
		code, out := s.command(t, "restart")
		if code != 1 {
			t.Errorf("exit code %d", code)
		}
		for _, text := range append(want, "this one goes on") {
			if !strings.Contains(out, text) {
				t.Errorf("%q is not in %s", text, out)
			}
		}
		goesOn()
	}
	must(t, os.WriteFile(config, []byte(strings.Replace(reloadable, `["*"]`, `[""]`, 1)), 0o600))
	fails("allowed_origins", "empty pattern")
	must(t, os.WriteFile(config, []byte("apps: ["), 0o600))
	fails("c.yaml, line 1")

	// One that is killed while it reads its configuration.
	must(t, os.Remove(config))
	must(t, syscall.Mkfifo(config, 0o600))
	go func() {
		for end := time.Now().Add(startTimeout); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			if pids := childrenOf(was); len(pids) > 0 {
				_ = syscall.Kill(pids[0], syscall.SIGKILL)
				return
			}
		}
	}()
	fails("ended before it served", "killed")

	must(t, os.Remove(config))
	must(t, os.WriteFile(config, []byte(reloadable), 0o600))
	s.must(t, "restart")
	must(t, c.dismissed(4200))
	if now := s.serving(t); now == was {
		t.Error("it was not restarted")
	}
}

// childrenOf returns the children of a process.
func childrenOf(pid int) (pids []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // has just ended
		}
		after := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if len(after) > 1 && after[1] == strconv.Itoa(pid) {
			child, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			pids = append(pids, child)
		}
	}
	return pids
}

// After a restart a new binary with the same path runs, also when the path is a symbolic link that was changed.
func TestRestartRunsTheNewBinary(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program, err := os.ReadFile(serverBinary)
	must(t, err)
	for _, name := range []string{"old", "new"} {
		must(t, os.WriteFile(filepath.Join(dir, name), program, 0o755))
	}
	link := filepath.Join(dir, "reverbd")
	must(t, os.Symlink("old", link))
	port := freePort(t)
	s := &server{
		port: port, dir: dir, args: []string{"--dev", "--debug=false", "--drain-timeout", "0", "--port", strconv.Itoa(port)},
		binary: link,
	}
	must(t, s.start())
	defer func() { must(t, s.stop()) }()
	must(t, s.awaitReady())
	must(t, os.Remove(link))
	must(t, os.Symlink("new", link))
	must(t, os.Remove(filepath.Join(dir, "old")))
	s.must(t, "restart")
	if exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", s.serving(t))); err != nil || filepath.Base(exe) != "new" {
		t.Errorf("%s runs, %v", exe, err)
	}
	ended(t, s.cmd.Process.Pid, s.cmd.Process.Pid)
}
