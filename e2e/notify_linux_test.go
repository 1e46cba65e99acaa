package e2e

import (
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// serviceManager is the end of systemd's notification socket at which systemd listens.
type serviceManager struct {
	path string
	conn *net.UnixConn
}

func listenAsManager(t *testing.T) *serviceManager {
	t.Helper()
	path := filepath.Join(shortDir(t), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return &serviceManager{path, conn}
}

// awaitNotify returns the next message that has one of the assignments, and fails if none comes.
func (m *serviceManager) awaitNotify(t *testing.T, assignments ...string) string {
	t.Helper()
	buf := make([]byte, 4096)
	_ = m.conn.SetReadDeadline(time.Now().Add(startTimeout))
	for {
		n, err := m.conn.Read(buf)
		if err != nil {
			t.Fatalf("systemd is not told %q: %v", assignments, err)
		}
		for line := range strings.SplitSeq(string(buf[:n]), "\n") {
			if slices.Contains(assignments, line) {
				return string(buf[:n])
			}
		}
	}
}

// The messages to systemd with Type=notify: after a restart the new process is the main process, and the old one ends.
func TestServiceManagerIsTold(t *testing.T) {
	t.Parallel()
	m := listenAsManager(t)
	s := &server{port: freePort(t), dir: t.TempDir(), binary: serverBinary, env: []string{"NOTIFY_SOCKET=" + m.path, "WATCHDOG_USEC=1000000"}}
	s.args = []string{"--dev", "--debug=false", "--drain-timeout", "0", "--port", strconv.Itoa(s.port)}
	must(t, s.start())
	stopped := false
	defer func() {
		if !stopped {
			_ = s.cmd.Process.Kill()
		}
	}()
	m.awaitNotify(t, "READY=1")
	m.awaitNotify(t, "WATCHDOG=1")

	must(t, s.cmd.Process.Signal(syscall.SIGHUP))
	if text := m.awaitNotify(t, "RELOADING=1"); !strings.Contains(text, "MONOTONIC_USEC=") {
		t.Errorf("reloading is told as %q", text)
	}
	m.awaitNotify(t, "READY=1")

	restarted := make(chan string)
	go func() { restarted <- s.must(t, "restart") }()
	m.awaitNotify(t, "RELOADING=1")
	<-restarted
	serving := s.serving(t)
	text := m.awaitNotify(t, "MAINPID="+strconv.Itoa(serving))
	if !strings.Contains(text, "READY=1") {
		t.Errorf("systemd is told %q", text)
	}
	first := s.cmd.Process.Pid
	await(t, "the first process's end", func() bool { return syscall.Kill(first, 0) != nil }) // systemd knows the new one
	m.awaitNotify(t, "WATCHDOG=1")

	must(t, syscall.Kill(serving, syscall.SIGTERM))
	m.awaitNotify(t, "STOPPING=1")
	await(t, "the end of the server", func() bool { return !answers(s.port) })
	stopped = true
}
