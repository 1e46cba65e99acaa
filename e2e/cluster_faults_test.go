package e2e

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"reverbd/broadcast/redis/redistest"
)

// startProxiedNodes starts nodes that reach Redis through a proxy each.
func startProxiedNodes(t *testing.T, count int, r *redisServer) (nodes []*node, proxies []*redistest.Proxy) {
	t.Helper()
	for range count {
		port := freePort(t)
		p, err := redistest.NewProxy(fmt.Sprintf("127.0.0.1:%d", port), "tcp", fmt.Sprintf("127.0.0.1:%d", r.port))
		must(t, err)
		t.Cleanup(p.Close)
		proxies = append(proxies, p)
		nodes = append(nodes, startNode(t, fmt.Sprintf("REVERB_SCALING_ENABLED=true\nREDIS_PORT=%d\n", port)))
	}
	awaitCluster(t, nodes...)
	return nodes, proxies
}

// refuse has Redis refuse or forget something, or answer late. No event may be lost by that.
func (m *model) refuse(pause time.Duration, note func(string)) (heal func()) {
	switch m.random.IntN(3) {
	case 0:
		note("Redis full")
		m.redis.do("config", "set", "maxmemory", "1")
		return func() { m.redis.do("config", "set", "maxmemory", "0") }
	case 1:
		note("scripts forgotten")
		m.redis.do("script", "flush")
		return func() { m.redis.do("script", "flush") }
	default:
		pause = min(pause, 700*time.Millisecond)
		note("Redis pauses")
		m.redis.do("client", "pause", strconv.FormatInt(pause.Milliseconds(), 10))
		return func() { time.Sleep(pause) }
	}
}

// disturb has something happen to the network between node i and Redis. long allows what takes several seconds.
func (m *model) disturb(i int, pause time.Duration, long bool, note func(string)) (heal func()) {
	p, direction := m.proxies[i], []redistest.Direction{redistest.Commands, redistest.Replies, redistest.Commands | redistest.Replies}[m.random.IntN(3)]
	resume := func(end time.Time) func() {
		return func() { time.Sleep(time.Until(end)); p.Stall(0) }
	}
	switch what := m.random.IntN(6); {
	case what == 0:
		note("network stalled for a moment")
		p.Stall(direction)
		return resume(time.Now().Add(min(pause, 700*time.Millisecond)))
	case what == 1 && long:
		pause += time.Duration(3+m.random.IntN(9)) * time.Second
		note("network stalled")
		m.nodeTrouble[i] = true
		p.Stall(direction)
		return resume(time.Now().Add(pause))
	case what == 2:
		note("connections cut in a reply")
		m.nodeTrouble[i] = true
		p.CutReplies()
		return func() {}
	case what == 3:
		note("connections of a node cut")
		m.nodeTrouble[i] = true
		p.Cut()
		return func() {}
	default:
		note("network slow")
		p.Delay(time.Millisecond, 20*time.Millisecond)
		return func() { p.Delay(0, 0) }
	}
}

// A node with many presence channels dies while Redis is 5 ms away: its members leave, and no other node loses its session over that.
func TestClusterNodeWithManyChannelsDies(t *testing.T) {
	t.Parallel()
	clients, channels := 100, 100
	if len(raceFlags) > 0 || testing.Short() {
		clients, channels = 40, 50
	}
	nodes, proxies := startProxiedNodes(t, 3, startRedis(t))
	for _, p := range proxies[1:] {
		p.Delay(2500*time.Microsecond, 2500*time.Microsecond)
	}
	for i := range clients {
		w := watch(t, nodes[0])
		for j := range channels {
			w.join(fmt.Sprintf("presence-%d-%d", i, j), "somebody")
		}
		w.await(clientTimeout, "the subscriptions", func() bool { return w.joins(fmt.Sprintf("presence-%d-%d", i, channels-1)) == 1 })
	}
	observer := entered(t, nodes[1], "presence-0-0", "observer")
	observer.await(clientTimeout, "the roster", func() bool { return len(observer.members("presence-0-0")) == 2 })
	nodes[0].kill()
	eventually(t, goneWithin, "the members of the dead node", func() string {
		if left := nodes[1].ask("/channels", "filter_by_prefix=presence-&info=user_count"); left != `{"channels":{"presence-0-0":{"user_count":1}}}` {
			return fmt.Sprintf("%.200s", left)
		}
		return ""
	})
	for i, n := range nodes[1:] {
		if count := strings.Count(n.output.String(), "connected with the other nodes"); count != 1 {
			t.Errorf("survivor %d had %d sessions", i, count)
		}
	}
	for _, name := range observer.names("presence-0-0") {
		if name == "removed observer" {
			t.Error("a survivor's member was seen leaving")
		}
	}
}

// The user that docs/scaling.md recommends can do all that a node does, and neither preflight nor the start complains.
func TestClusterDocumentedUser(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/scaling.md")
	must(t, err)
	recipe := regexp.MustCompile(`(?m)^ACL SETUSER reverbd .*$`).FindString(string(page))
	if recipe == "" {
		t.Fatal("docs/scaling.md has no recipe")
	}
	r := startRedis(t)
	r.do(strings.Fields(recipe)...)
	r.do("acl", "setuser", "default", "off")
	r.cliArgs = append(r.cliArgs, "--user", "reverbd", "-a", "secret", "--no-auth-warning")
	env := r.env() + "REDIS_USERNAME=reverbd\nREDIS_PASSWORD=secret\n"
	nodes := startNodes(t, 2, env)
	exerciseNodes(t, nodes, "acl")
	for _, n := range nodes {
		if out := n.output.String(); strings.Contains(out, "NOPERM") || strings.Contains(out, "warn") && strings.Contains(out, "edis") {
			t.Errorf("the start complains:\n%s", out)
		}
	}
	f := preflightOf(t, strings.Fields(env)...).of(t, "redis")
	if f.Level != "ok" {
		t.Errorf("preflight: %+v", f)
	}
}
