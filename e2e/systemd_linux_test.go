package e2e

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// There is no systemd to start the unit where tests run. But its own tools judge it, and what it forbids is compared with what the
// server does.

func TestUnit(t *testing.T) {
	dir := t.TempDir()
	unit := filepath.Join(dir, "reverbd.service")
	deploy(t, "systemd/reverbd.service", unit, map[string]string{"/usr/bin/reverbd": serverBinary})
	socket := filepath.Join(dir, "reverbd.socket")
	deploy(t, "systemd/reverbd.socket", socket, nil)
	must(t, os.Mkdir(unit+".d", 0o755))
	deploy(t, "systemd/laravel.conf", filepath.Join(unit+".d", "laravel.conf"), map[string]string{"/usr/bin/reverbd": serverBinary, "/var/www/shop": dir})
	if out := run(t, dir, "systemd-analyze", "verify", "--man=no", unit, socket); out != "" {
		t.Error(out)
	}
	// Of 100, with 15 to 20 for what it must do: talk to any address.
	run(t, dir, "systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", unit)
}

// systemd's own stand-in listens, as reverbd.socket says, and passes the sockets on with the first connection.
func TestSocketActivation(t *testing.T) {
	s, socket := &server{port: freePort(t)}, filepath.Join(t.TempDir(), "reverbd.sock")
	p := startProgram(t, t.TempDir(), "systemd-socket-activate", "--listen", s.addr(), "--listen", socket, serverBinary, "--dev")
	p.await(t, "its socket", func() bool { _, err := os.Stat(socket); return err == nil })
	c := connect(t, s)
	c.subscribe("news", nil)
	over := publisher(s)
	over.HTTPClient = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	must(t, over.Trigger("news", "story", "activated"))
	if got := c.nextEvent("story").text(t); got != "activated" {
		t.Error(got)
	}
	over.HTTPClient.CloseIdleConnections()
	_ = c.conn.Close()
	p.stop(t)
	if p.err != nil {
		t.Error(p.err)
	}
}

// The server makes no system call that the unit forbids, whatever the client, the server library and its operator want of it.
func TestUnitSystemCalls(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "reverbd") // without the race detector, which has calls of its own
	run(t, ".", "go", "build", "-o", binary, "../cmd/reverbd")
	s := &server{port: freePort(t), dir: dir}
	s.args = []string{"--dev", "--port", strconv.Itoa(s.port)}
	trace := filepath.Join(dir, "calls")
	p := startProgram(t, dir, "strace", append([]string{"-f", "-qq", "-o", trace, binary}, s.args...)...)
	p.await(t, "reverbd", func() bool { return answers(s.port) })
	c := connect(t, s)
	c.subscribe("news", nil)
	must(t, publisher(s).Trigger("news", "story", "once"))
	c.nextEvent("story")
	_ = c.conn.Close()
	s.output = p.output
	s.must(t, "reload")
	s.must(t, "restart")
	stopTraced(t, p)

	allowed := allowedCalls(t)
	if slices.Contains(allowed, "setuid") || !slices.Contains(allowed, "epoll_pwait") {
		t.Fatalf("misunderstood the unit: %v", allowed)
	}
	text, err := os.ReadFile(trace)
	must(t, err)
	seen := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line) // PID call(arguments
		name, _, ok := strings.Cut(fields[1], "(")
		if !ok || seen[name] {
			continue
		}
		seen[name] = true
		if !slices.Contains(allowed, name) {
			t.Errorf("the unit forbids %s", name)
		}
	}
	if len(seen) < 20 {
		t.Errorf("only %d calls were seen", len(seen))
	}
}

// stopTraced ends the server that strace runs, and with it strace.
func stopTraced(t *testing.T, p *program) {
	t.Helper()
	child := run(t, "/", "ps", "-o", "pid=", "--ppid", strconv.Itoa(p.cmd.Process.Pid))
	run(t, "/", "kill", "-TERM", strings.TrimSpace(child))
	<-p.exited
	if p.err != nil {
		t.Errorf("%v\n%s", p.err, p.output)
	}
}

// allowedCalls is what SystemCallFilter in the unit comes to: a line adds to those before it, and ~ takes away.
func allowedCalls(t *testing.T) []string {
	t.Helper()
	unit, err := os.ReadFile("../deploy/systemd/reverbd.service")
	must(t, err)
	groups := callGroups(t)
	allowed := groups.expand("@default") // which the first line brings with it
	for line := range strings.Lines(string(unit)) {
		list, ok := strings.CutPrefix(strings.TrimSpace(line), "SystemCallFilter=")
		if !ok {
			continue
		}
		list, takeAway := strings.CutPrefix(list, "~")
		for word := range strings.FieldsSeq(list) {
			for _, call := range groups.expand(word) {
				if takeAway {
					allowed = slices.DeleteFunc(allowed, func(a string) bool { return a == call })
				} else {
					allowed = append(allowed, call)
				}
			}
		}
	}
	return allowed
}

// callSets are systemd's named sets of system calls, which contain calls and further sets.
type callSets map[string][]string

func callGroups(t *testing.T) callSets {
	t.Helper()
	out, err := exec.Command(requireProgram(t, "systemd-analyze"), "syscall-filter", "--no-pager").Output()
	must(t, err)
	sets, name := callSets{}, ""
	for line := range strings.Lines(string(out)) {
		word := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "#"))
		switch {
		case strings.HasPrefix(line, "@"):
			name = word
		case !strings.HasPrefix(line, " "):
			name = "" // what the kernel has beside the sets
		case name != "" && !strings.HasPrefix(strings.TrimSpace(line), "#"):
			sets[name] = append(sets[name], word)
		}
	}
	return sets
}

func (s callSets) expand(word string) []string {
	if !strings.HasPrefix(word, "@") {
		return []string{word}
	}
	var all []string
	for _, w := range s[word] {
		all = append(all, s.expand(w)...)
	}
	return all
}
