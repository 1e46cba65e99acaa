package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// timerSlack is that of a process, in nanoseconds.
func timerSlack(t *testing.T, pid int) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/timerslack_ns", pid))
	must(t, err)
	return strings.TrimSpace(string(text))
}

// The server executes itself once more for its timer slack, unless it is told not to. A restart goes by what is configured then, not
// by what the process before had.
func TestTimerSlack(t *testing.T) {
	t.Parallel()
	dir, port := t.TempDir(), freePort(t)
	env := filepath.Join(dir, ".env")
	configure := func(line string) {
		t.Helper()
		must(t, os.WriteFile(env, []byte("REVERB_DEV=true\nREVERB_DEBUG=false\nREVERB_DRAIN_TIMEOUT=0\n"+line), 0o600))
	}
	configure("")
	s := startServerIn(t, dir, port, "--host", "127.0.0.1", "--port", strconv.Itoa(port))
	for _, tt := range []struct{ line, want string }{
		{"", "2000000"},
		{"REVERB_TIMER_SLACK=0", timerSlack(t, os.Getpid())},
		{"REVERB_TIMER_SLACK=5ms", "5000000"},
		{"REVERB_TIMER_SLACK=3ms", "3000000"},
	} {
		if tt.line != "" {
			configure(tt.line)
			if out := s.must(t, "reload"); !strings.Contains(out, "timer_slack") {
				t.Errorf("%s: a reload does not say that it needs a restart: %s", tt.line, out)
			}
			s.must(t, "restart")
		}
		if got := timerSlack(t, s.serving(t)); got != tt.want {
			t.Errorf("%q: the timer slack is %s ns, want %s", tt.line, got, tt.want)
		}
	}
	configure("REVERB_TIMER_SLACK=2")
	if code, out := s.command(t, "restart"); code != 1 || !strings.Contains(out, "is not a time") {
		t.Errorf("exit code %d: %s", code, out)
	}
}

// Without supervise the first process ends when another one has taken over and its connections are closed, and so do those that
// follow.
func TestRestartWithoutSupervisor(t *testing.T) {
	t.Parallel()
	s := startServer(t, "--dev", "--debug=false", "--drain-timeout", "0", "--supervise=false")
	c, err := establish(s)
	must(t, err)
	defer c.Close()
	serving := s.serving(t)
	t.Cleanup(func() { // nobody else knows it when the test has failed
		if serving != 0 {
			_ = syscall.Kill(serving, syscall.SIGKILL)
		}
	})
	for range 3 {
		was := serving
		s.must(t, "restart")
		if serving = s.serving(t); serving == was {
			t.Fatalf("process %d serves", serving)
		}
		await(t, "the old process's end", func() bool { return syscall.Kill(was, 0) != nil })
	}
	other, err := establish(s)
	must(t, err)
	defer other.Close()
	s.must(t, "stop")
	serving = 0
	s.mustEnd(t, 0)
	if answers(s.port) {
		t.Error("somebody still listens")
	}
}
