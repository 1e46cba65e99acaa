package e2e

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// exerciseNodes uses everything that nodes do together, on channels of its own.
func exerciseNodes(t *testing.T, nodes []*node, name string) {
	t.Helper()
	room, news, cache := "presence-"+name, "private-"+name, "cache-"+name
	var all []*watcher
	var users []string
	for i, n := range nodes {
		w := entered(t, n, room, fmt.Sprint("user-", i))
		w.subscribe(news)
		w.await(clientTimeout, "the subscription", func() bool { return w.joined(news) })
		all, users = append(all, w), append(users, fmt.Sprint("user-", i))
	}
	for i, n := range nodes {
		n.publish(cache, fmt.Sprint("kept-", i), "1")
		n.publishTo(publication{Name: fmt.Sprint("event-", i), Data: "1", Channels: []string{news}, SocketID: all[0].c.socketID})
		for j, w := range all {
			w.await(clientTimeout, fmt.Sprintf("the roster of client %d of %s", j, name), func() bool { return slices.Equal(w.members(room), users) })
			if j > 0 {
				w.await(clientTimeout, "the event", func() bool { return slices.Contains(w.names(news), fmt.Sprint("event-", i)) })
			}
		}
		last := listening(t, nodes[(i+1)%len(nodes)], cache)
		last.await(clientTimeout, "the last event", func() bool { return slices.Equal(last.names(cache), []string{fmt.Sprint("kept-", i)}) })
		last.close()
	}
	if got := all[0].names(news); len(got) > 0 {
		t.Errorf("who is left out heard %v", got)
	}
	all[1].whisper(news, "whisper", "1")
	all[0].await(clientTimeout, "the whisper", func() bool { return slices.Equal(all[0].names(news), []string{"client-whisper"}) })
	eventually(t, clientTimeout, "counts", func() string {
		return same(nodes, fmt.Sprintf(`{"occupied":true,"subscription_count":%d}`, len(nodes)), func(n *node) string {
			return n.ask("/channels/"+news, "info=subscription_count")
		})
	})
	a, err := nodes[0].call("POST", "/apps/"+appID+"/users/user-1/terminate_connections", "", "{}")
	if err != nil || a.status != 200 {
		t.Fatal(a, err)
	}
	<-all[1].done
	all[0].await(clientTimeout, "him to leave", func() bool { return !slices.Contains(all[0].members(room), "user-1") })
	for _, w := range all {
		w.checkViolations()
		w.close()
	}
}

// Every way to reach a Redis.
func TestClusterSetups(t *testing.T) {
	t.Parallel()
	both := func(t *testing.T, env string) {
		t.Helper()
		exerciseNodes(t, startNodes(t, 2, "REVERB_SCALING_ENABLED=true\n"+env), "setup")
	}
	t.Run("URL with a user and a database", func(t *testing.T) {
		t.Parallel()
		r := startRedis(t)
		r.do("acl", "setuser", "app", "on", ">p/w:d", "~mine:*", "&mine:*", "+@all", "-@dangerous", "-@admin")
		r.do("acl", "setuser", "default", "off")
		r.cliArgs = append(r.cliArgs, "--user", "app", "-a", "p/w:d", "--no-auth-warning")
		both(t, fmt.Sprintf("REDIS_URL=redis://app:p%%2Fw%%3Ad@127.0.0.1:%d/3\nREVERB_SCALING_CHANNEL=mine\n", r.port))
		if keys := r.lines("-n", "0", "dbsize"); !slices.Equal(keys, []string{"0"}) {
			t.Errorf("there are keys in the database that is not ours: %v", keys)
		}
	})
	t.Run("unix socket", func(t *testing.T) {
		t.Parallel()
		socket := filepath.Join(shortDir(t), "redis.sock")
		startRedisAt(t, 0, []string{"-s", socket}, "--unixsocket", socket)
		both(t, "REDIS_HOST="+socket+"\nREDIS_PORT=0\n")
	})
	t.Run("TLS with certificates on both sides", func(t *testing.T) {
		t.Parallel()
		a := newAuthority(t)
		cert, key := a.issue(t, "redis.test")
		ours, oursKey := a.issue(t, "node.test")
		port := freePort(t)
		way := []string{"-p", strconv.Itoa(port), "--tls", "--cacert", a.file, "--cert", ours, "--key", oursKey}
		r := startRedisAt(t, 0, way, "--tls-port", strconv.Itoa(port), "--tls-cert-file", cert, "--tls-key-file", key,
			"--tls-ca-cert-file", a.file, "--tls-auth-clients", "yes", "--requirepass", "")
		both(t, fmt.Sprintf("REDIS_HOST=tls://127.0.0.1\nREDIS_PORT=%d\nREVERB_REDIS_CA_FILE=%s\nREVERB_REDIS_CERT_FILE=%s\nREVERB_REDIS_KEY_FILE=%s\n"+
			"REVERB_REDIS_SERVER_NAME=redis.test\n", port, a.file, ours, oursKey))
		// A certificate of another authority is not trusted.
		other := startNode(t, fmt.Sprintf("REVERB_SCALING_ENABLED=true\nREDIS_URL=rediss://127.0.0.1:%d\nREVERB_REDIS_CA_FILE=%s\n", port, newAuthority(t).file))
		eventually(t, clientTimeout, "no word of the certificate", func() string {
			if strings.Contains(other.output.String(), "certificate") {
				return ""
			}
			return other.output.String()
		})
		_ = r
	})
	t.Run("webhooks in a Redis Cluster", func(t *testing.T) {
		t.Parallel()
		testRedisClusterWebhooks(t)
	})
	t.Run("Redis Cluster", func(t *testing.T) {
		t.Parallel()
		testRedisCluster(t)
	})
	t.Run("Sentinel", func(t *testing.T) {
		t.Parallel()
		testSentinel(t)
	})
}

// testRedisCluster: the channels are spread over all servers, and sharded.
func testRedisCluster(t *testing.T) {
	servers := shardedCluster(t)
	nodes := startNodes(t, 2, fmt.Sprintf("REVERB_SCALING_ENABLED=true\nREVERB_REDIS_CLUSTER=true\nREDIS_HOST=127.0.0.1:%d,127.0.0.1:%d\n",
		servers[0].port, servers[1].port))
	exerciseNodes(t, nodes, "sharded")
	var channels []string
	for i := range 30 {
		channels = append(channels, fmt.Sprint("news-", i))
	}
	w := listening(t, nodes[0], channels...)
	for _, ch := range channels {
		nodes[1].publish(ch, "event", "1")
	}
	for _, ch := range channels {
		w.await(clientTimeout, "the event on "+ch, func() bool { return len(w.names(ch)) == 1 })
	}
	for i, r := range servers {
		sharded := r.lines("pubsub", "shardchannels", "*news-*")
		if plain := r.lines("pubsub", "channels", "*news-*"); len(sharded) == 0 || len(plain) > 0 {
			t.Errorf("server %d has %d sharded channels and %d plain ones", i, len(sharded), len(plain))
		}
	}
	w.close()
	// One of the servers is killed and comes back.
	x := newRecoveryCheck(t, servers[2], nodes)
	servers[2].kill()
	x.local()
	servers[2].start()
	x.recovered("user-0", "user-1")
	// Slots move to another server while the nodes run.
	moveSlots(t, servers)
	x.recovered("user-0", "user-1")
	exerciseNodes(t, nodes, "moved")
}

// moveSlots moves a third of the slots of the first server to the second.
func moveSlots(t *testing.T, servers []*redisServer) {
	t.Helper()
	from, to := servers[0].do("cluster", "myid"), servers[1].do("cluster", "myid")
	run(t, t.TempDir(), "redis-cli", "--cluster", "reshard", fmt.Sprintf("127.0.0.1:%d", servers[0].port),
		"--cluster-from", from, "--cluster-to", to, "--cluster-slots", "5000", "--cluster-yes")
}

// testSentinel: the master is killed, and the nodes follow the Sentinels to the replica.
func testSentinel(t *testing.T) {
	master, replica, watch := sentinels(t)
	nodes := startNodes(t, 2, fmt.Sprintf("REVERB_SCALING_ENABLED=true\nREVERB_REDIS_SENTINEL_MASTER=main\nREVERB_REDIS_SENTINELS=127.0.0.1:%d,127.0.0.1:%d\n",
		watch[0].port, watch[1].port))
	exerciseNodes(t, nodes, "before")
	x := newRecoveryCheck(t, master, nodes)
	master.kill()
	x.local()
	// Sentinels that were not run for a while, as on a busy machine, trust nothing for 30 seconds (TILT), and may do so more than once.
	eventually(t, 3*time.Minute, "no replica is promoted", func() string {
		if state := replica.do("info", "replication"); !strings.Contains(state, "role:master") {
			return state
		}
		return ""
	})
	x.recovered("user-0", "user-1")
	exerciseNodes(t, nodes, "after")
	if n := replica.do("client", "list", "type", "pubsub"); strings.Count(n, "addr=") < 2 {
		t.Errorf("the nodes do not listen at the new master:\n%s", n)
	}
}
