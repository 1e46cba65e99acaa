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

// Each node gets half of the clients; when one is gone the other gets all, and when it is back it gets the new ones.
func TestNginxSeveralNodes(t *testing.T) {
	t.Parallel()
	one, two := startServer(t, "--dev"), startServer(t, "--dev")
	front := startNginx(t, severalNodes(one, two)).front()
	balancesClients(t, front, one, two)
}

// Ten thousand clients of one Nginx, over TCP and over a unix socket; with the race detector, a thousand. The load tester counts
// what each of them receives.
func TestNginxManyConnections(t *testing.T) {
	clients := 10_000
	if len(raceFlags) > 0 {
		clients = 1000
	}
	bench, err := build(t.TempDir(), "../cmd/reverb-bench")
	must(t, err)
	for name, upstream := range map[string]func(*testing.T, ...string) (*server, nginxSetup){"TCP": overTCP, "unix socket": overUnix} {
		t.Run(name, func(t *testing.T) {
			s, setup := upstream(t, "--dev", "--debug=false")
			n := startNginx(t, setup)
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
		})
	}
}

// With Redis the nodes behind Nginx act as one server: a publish to any of them reaches all clients.
func TestNginxScaledNodes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	socket := filepath.Join(dir, "redis.sock")
	startProgram(t, dir, "redis-server", "--port", "0", "--unixsocket", socket, "--dir", dir, "--save", "").
		await(t, "its socket", func() bool { _, err := os.Stat(socket); return err == nil })
	node := func() *server {
		dir, port := t.TempDir(), freePort(t)
		must(t, os.WriteFile(filepath.Join(dir, ".env"), []byte("REVERB_SCALING_ENABLED=true\nREDIS_URL=unix://"+socket+"\n"), 0o600))
		return startServerIn(t, dir, port, "--dev", "--port", strconv.Itoa(port))
	}
	one, two := node(), node()
	front := startNginx(t, severalNodes(one, two)).front()

	var all []*client
	for range 20 {
		c := connect(t, front)
		c.subscribe("news", nil)
		all = append(all, c)
	}
	const events = 10 // by turns to one node and the other, which have as many clients
	for i := range events {
		must(t, publisher(front).Trigger("news", "story", i))
	}
	for i, c := range all {
		heard := map[string]bool{}
		for range events {
			heard[c.nextEvent("story").text(t)] = true
		}
		if len(heard) != events {
			t.Errorf("client %d heard %v", i, heard)
		}
	}
	if a, b := connections(t, one), connections(t, two); a != 20 || b != 20 { // of all nodes together
		t.Errorf("one node counts %d clients, the other %d", a, b)
	}
	one.awaitOutputTimes(t, "Connection Established", 10)
	two.awaitOutputTimes(t, "Connection Established", 10)
}
