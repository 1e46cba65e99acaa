package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// connections is how many a server has, as GET /apps/{id}/connections says.
func connections(t *testing.T, s *server) int {
	t.Helper()
	var answer struct{ Connections int }
	text := get(t, s, appKey, appSecret, "/apps/"+appID+"/connections")
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return answer.Connections
}

// severalNodes is the setup in front of two servers.
func severalNodes(one, two *server) nginxSetup {
	return nginxSetup{
		site: "site.conf", upstream: "upstream-several-nodes.conf",
		nodes: map[string]string{"10.0.0.11:8080": one.addr(), "10.0.0.12:8080": two.addr()},
	}
}

// Each node gets half of the clients; when one is gone the other takes everybody, and when it is back it gets the new ones.
func TestNginxSeveralNodes(t *testing.T) {
	t.Parallel()
	one, two := startServer(t, "--dev"), startServer(t, "--dev")
	front := startNginx(t, severalNodes(one, two)).front()
	for range 40 {
		connect(t, front)
	}
	if a, b := connections(t, one), connections(t, two); a != 20 || b != 20 {
		t.Errorf("%d and %d of 40 clients", a, b)
	}
	must(t, two.stop())
	for range 20 {
		connect(t, front)
	}
	if a := connections(t, one); a != 40 {
		t.Errorf("%d clients on the node that is left, want 40", a)
	}
}

// Ten thousand clients of one Nginx; with the race detector, a thousand. The load tester counts what each of them receives.
func TestNginxManyConnections(t *testing.T) {
	clients := 10_000
	if len(raceFlags) > 0 {
		clients = 1000
	}
	bench, err := build(t.TempDir(), "../cmd/reverb-bench")
	must(t, err)
	s := startServer(t, "--dev", "--debug=false")
	n := startNginx(t, oneNode(s))
	out := run(t, t.TempDir(), bench, "fanout", "--url", "ws://"+n.front().addr(), "--connections", strconv.Itoa(clients),
		"--events", "20", "--rate", "10", "--server-pid", strconv.Itoa(s.cmd.Process.Pid)) // ends with 0 if nothing is lost
	t.Log(out)
	log, err := os.ReadFile(filepath.Join(n.dir, "error.log"))
	must(t, err)
	for line := range strings.Lines(string(log)) {
		// A limit of the machine that is lower than what nginx.conf asks for is no matter here.
		if !strings.Contains(line, "RLIMIT_NOFILE") && !strings.Contains(line, "open file resource limit") {
			t.Error(line)
		}
	}
}
