package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// recoveryCheck is nodes with a client on each. The clients must survive a failure without reconnecting.
type recoveryCheck struct {
	t     *testing.T
	redis *redisServer
	nodes []*node
	all   []*watcher
	count int
}

const (
	checkRoom  = "presence-room"
	checkNews  = "news"
	checkCache = "cache-news"
)

func newRecoveryCheck(t *testing.T, r *redisServer, nodes []*node) *recoveryCheck {
	t.Helper()
	x := &recoveryCheck{t: t, redis: r, nodes: nodes}
	for i, n := range nodes {
		w := entered(t, n, checkRoom, fmt.Sprint("user-", i))
		for _, ch := range []string{checkNews, checkCache} {
			w.subscribe(ch)
			w.await(clientTimeout, "the subscription", func() bool { return w.joined(ch) })
		}
		x.all = append(x.all, w)
	}
	return x
}

// late adds a client to a node during the failure: it must be served.
func (x *recoveryCheck) late(n *node, user string) *watcher {
	x.t.Helper()
	w := entered(x.t, n, checkRoom, user)
	w.subscribe(checkNews)
	w.await(clientTimeout, "the subscription", func() bool { return w.joined(checkNews) })
	x.all = append(x.all, w)
	return w
}

// local publishes on every node an event that the clients of this node must get at once, with or without Redis.
func (x *recoveryCheck) local() {
	x.t.Helper()
	x.count++
	for i, n := range x.nodes {
		name := fmt.Sprintf("local-%d-%d", x.count, i)
		n.publish(checkNews, name, "1")
		for _, w := range x.all {
			if w.node == n {
				w.await(clientTimeout, "a local event", func() bool { return slices.Contains(w.names(checkNews), name) })
			}
		}
	}
}

// recovered waits until all rosters and counts are right again and events reach all clients, on the same connections.
func (x *recoveryCheck) recovered(users ...string) {
	x.t.Helper()
	const timeout = 30 * time.Second
	awaitCluster(x.t, x.nodes...)
	slices.Sort(users)
	for i, w := range x.all {
		w.await(timeout, fmt.Sprintf("the roster of client %d: %v, want %v", i, w.members(checkRoom), users), func() bool {
			return slices.Equal(slices.Sorted(slices.Values(w.members(checkRoom))), users)
		})
	}
	eventually(x.t, timeout, "counts", func() string {
		return same(x.nodes, fmt.Sprintf(`{"channels":{"cache-news":{"subscription_count":%d},"news":{"subscription_count":%d},"presence-room":{"user_count":%d}}}`,
			len(x.nodes), len(x.all), len(users)), func(n *node) string { return n.ask("/channels", "info=user_count,subscription_count") })
	})
	eventually(x.t, timeout, "users", func() string {
		first := x.nodes[0].users(checkRoom)
		if len(first) != len(users) {
			return show(first)
		}
		return same(x.nodes, first, func(n *node) []string { return n.users(checkRoom) })
	})
	for _, ch := range []string{checkRoom, checkNews, checkCache} {
		x.allDelivered(ch)
	}
	for _, w := range x.all {
		w.checkViolations()
		w.unique(checkNews)
	}
}

// allDelivered waits until events of every node reach every client of the channel again. After that, none may be lost.
func (x *recoveryCheck) allDelivered(channel string) {
	x.t.Helper()
	eventually(x.t, 30*time.Second, "not everybody hears everybody on "+channel, func() string {
		return x.publishAll(channel, 500*time.Millisecond)
	})
	for range 10 {
		if lost := x.publishAll(channel, clientTimeout); lost != "" {
			x.t.Fatal("after the recovery something is lost: ", lost)
		}
	}
}

// publishAll publishes on every node, and returns the first client that has not got an event in time, or "".
func (x *recoveryCheck) publishAll(channel string, within time.Duration) string {
	x.t.Helper()
	x.count++
	for i, n := range x.nodes {
		n.publish(channel, fmt.Sprintf("after-%d-%d", x.count, i), "1")
	}
	deadline := time.Now().Add(within)
	for j, w := range x.all {
		for i := range x.nodes {
			name := fmt.Sprintf("after-%d-%d", x.count, i)
			for w.joined(channel) && !slices.Contains(w.names(channel), name) {
				if time.Now().After(deadline) {
					return fmt.Sprintf("client %d has not got %s", j, name)
				}
				time.Sleep(time.Millisecond)
			}
		}
	}
	return ""
}

// unique fails if an event came twice.
func (w *watcher) unique(channel string) {
	w.t.Helper()
	seen := map[string]bool{}
	for _, name := range w.names(channel) {
		if !strings.HasPrefix(name, "added ") && !strings.HasPrefix(name, "removed ") && seen[name] && !strings.HasPrefix(name, "from-") {
			w.t.Errorf("%s came twice on %s", name, channel)
		}
		seen[name] = true
	}
}

// Without Redis a node starts and serves its own clients; when Redis starts, the nodes join.
func TestClusterRedisDownAtStart(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	r.kill()
	nodes := []*node{startNode(t, r.env()), startNode(t, r.env())}
	x := newRecoveryCheck(t, r, nodes)
	x.local()
	for i, n := range nodes {
		if got, want := n.ask("/connections", ""), `{"connections":1}`; got != want {
			t.Errorf("node %d, alone, says %s, want %s", i, got, want)
		}
		if out := n.output.String(); !strings.Contains(out, "Redis") || !strings.Contains(out, strconv.Itoa(r.port)) {
			t.Errorf("nobody is told that there is no Redis at its address:\n%s", out)
		}
	}
	r.start()
	x.recovered("user-0", "user-1")
}

// Redis is killed and started again, with or without its data.
func TestClusterRedisRestarted(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"keeps": {"--appendonly", "yes", "--appendfsync", "always"}, "forgets": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := startRedis(t, args...)
			x := newRecoveryCheck(t, r, startNodes(t, 2, r.env()))
			x.local()
			r.kill()
			x.local()
			x.late(x.nodes[0], "late")
			x.all[1].close() // a client leaves meanwhile
			x.all = slices.Delete(x.all, 1, 2)
			other := x.late(x.nodes[1], "other")
			other.subscribe(checkCache)
			x.local()
			for i := range 100 {
				x.nodes[0].publish(checkNews, fmt.Sprint("waits-", i), "1")
			}
			r.start()
			x.recovered("user-0", "late", "other")
			// Events that were published meanwhile have waited, and arrive in order.
			var waited []string
			for _, n := range other.names(checkNews) {
				if strings.HasPrefix(n, "waits-") {
					waited = append(waited, n)
				}
			}
			for i := range waited {
				if waited[i] != fmt.Sprint("waits-", i+100-len(waited)) {
					t.Fatalf("%d events have come, not in order: %v", len(waited), waited)
				}
			}
			if len(waited) != 100 {
				t.Errorf("%d of 100 events have come that waited", len(waited))
			}
			// Another restart, soon after the first.
			r.kill()
			r.start()
			x.local()
			x.recovered("user-0", "late", "other")
		})
	}
}

// Redis is stopped with SIGSTOP: its connections stay open, and it does not answer.
func TestClusterRedisFrozen(t *testing.T) {
	t.Parallel()
	for _, still := range []time.Duration{time.Second, 12 * time.Second} {
		t.Run(still.String(), func(t *testing.T) {
			t.Parallel()
			r := startRedis(t)
			x := newRecoveryCheck(t, r, startNodes(t, 2, r.env()))
			r.freeze()
			thaw := time.After(still)
			x.local()
			x.late(x.nodes[1], "late")
			x.local()
			<-thaw
			r.thaw()
			x.recovered("user-0", "user-1", "late")
		})
	}
}

// Redis has no memory left: new members are not known to other nodes, events are delivered; when there is memory, all is right.
func TestClusterRedisOutOfMemory(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	x := newRecoveryCheck(t, r, startNodes(t, 2, r.env()))
	r.do("config", "set", "maxmemory-policy", "noeviction")
	r.do("config", "set", "maxmemory", "1")
	x.local()
	x.nodes[0].publish(checkNews, "without memory", "1")
	x.all[1].await(clientTimeout, "an event of the other node", func() bool { return slices.Contains(x.all[1].names(checkNews), "without memory") })
	x.nodes[0].publish(checkCache, "not kept", "1")
	x.late(x.nodes[0], "late")
	r.do("config", "set", "maxmemory", "0")
	x.recovered("user-0", "user-1", "late")
}

// A wrong password is logged, without the password, and tried again with pauses; when Redis accepts it, the nodes join.
func TestClusterRedisWrongPassword(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	r.do("config", "set", "requirepass", "right")
	r.cliArgs = append(r.cliArgs, "-a", "right", "--no-auth-warning")
	env := r.env() + "REDIS_PASSWORD=secret-wrong\n"
	x := newRecoveryCheck(t, r, []*node{startNode(t, env), startNode(t, env)})
	x.local()
	attempts := func() int {
		fields := strings.Split(strings.SplitAfter(r.do("info", "stats"), "total_connections_received:")[1], "\n")
		n, _ := strconv.Atoi(strings.TrimSpace(fields[0]))
		return n
	}
	before := attempts()
	time.Sleep(3 * time.Second)
	if n := attempts() - before; n > 60 {
		t.Errorf("%d attempts of two nodes in three seconds", n)
	}
	for _, n := range x.nodes {
		out := n.output.String()
		if !strings.Contains(out, "WRONGPASS") || strings.Contains(out, "secret-wrong") {
			t.Errorf("the log does not tell, or tells too much:\n%s", out)
		}
	}
	r.do("config", "set", "requirepass", "secret-wrong")
	r.cliArgs[3] = "secret-wrong"
	x.recovered("user-0", "user-1")
}

// Connections to Redis are cut repeatedly, pub/sub connections and others.
func TestClusterRedisCutsConnections(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	x := newRecoveryCheck(t, r, startNodes(t, 2, r.env()))
	for _, kind := range []string{"pubsub", "normal", "pubsub"} {
		r.do("client", "kill", "type", kind)
		x.local()
		x.recovered("user-0", "user-1")
	}
}

// The queue for Redis has a limit: above it the API answers 503 with Retry-After, and no client gets a refused event.
func TestClusterQueueIsFull(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	x := newRecoveryCheck(t, r, startNodes(t, 2, r.env()+"REVERB_SCALING_QUEUE_BYTES=65536\n"))
	r.freeze()
	var taken []string
	refused := 0
	data := strings.Repeat("x", 2000)
	for i := range 60 {
		name := fmt.Sprint("big-", i)
		a, err := x.nodes[0].trigger(publication{Name: name, Data: data, Channels: []string{checkNews}})
		switch {
		case err == nil && a.status == http.StatusOK:
			taken = append(taken, name)
		case err == nil && a.status == http.StatusServiceUnavailable && a.retryAfter != "":
			refused++
		default:
			t.Fatal(a, err)
		}
	}
	if refused == 0 || len(taken) < 20 {
		t.Fatalf("%d were taken, %d were refused", len(taken), refused)
	}
	batch := fmt.Sprintf(`{"batch":[{"name":"batch","channel":"news","data":%q}]}`, data)
	if a, err := x.nodes[0].call("POST", "/apps/"+appID+"/batch_events", "", batch); err != nil || a.status != http.StatusServiceUnavailable {
		t.Errorf("a batch is answered with %v %v", a, err)
	}
	// The other node accepts events, and queries are answered.
	x.nodes[1].publish(checkNews, "of the other", "1")
	x.nodes[0].ask("/channels", "")
	r.thaw()
	x.recovered("user-0", "user-1")
	for i, w := range x.all {
		var got []string
		for _, name := range w.names(checkNews) {
			if strings.HasPrefix(name, "big-") || name == "batch" {
				got = append(got, name)
			}
		}
		// No accepted event is lost, unless the nodes have closed their connections to Redis meanwhile.
		if i == 0 && !slices.Equal(got, taken) || i == 1 && !isSubsequence(got, taken) {
			t.Errorf("client %d: %s", i, firstDifference(got, taken))
		}
	}
}

func isSubsequence(part, whole []string) bool {
	for _, s := range part {
		i := slices.Index(whole, s)
		if i < 0 {
			return false
		}
		whole = whole[i+1:]
	}
	return true
}
