package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

// Every node answers queries for all nodes. Other subscribers in Redis change nothing.
func TestClusterCounts(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	nodes := startNodes(t, 3, r.env())
	for _, n := range nodes {
		listening(t, n, "news", "cache-only-count")
		entered(t, n, "presence-room", "ann")
	}
	entered(t, nodes[1], "presence-room", "bob")
	listening(t, nodes[2], "only-there")
	counts := func(when string) {
		t.Helper()
		for _, q := range []struct{ path, query, want string }{
			{"/connections", "", `{"connections":8}`},
			{"/channels", "info=user_count,subscription_count", `{"channels":{"cache-only-count":{"subscription_count":3},"news":{"subscription_count":3},` +
				`"only-there":{"subscription_count":1},"presence-room":{"user_count":2}}}`},
			{"/channels", "filter_by_prefix=presence-&info=user_count", `{"channels":{"presence-room":{"user_count":2}}}`},
			{"/channels/only-there", "info=subscription_count", `{"occupied":true,"subscription_count":1}`},
			{"/channels/nobody", "info=subscription_count", `{"occupied":false}`},
			{"/channels/presence-room", "info=user_count,subscription_count", `{"occupied":true,"user_count":2}`},
			{"/channels/presence-room/users", "", `{"users":[{"id":"ann"},{"id":"bob"}]}`},
		} {
			eventually(t, clientTimeout, when+", "+q.path+"?"+q.query, func() string {
				return same(nodes, q.want, func(n *node) string { return canonical(n.ask(q.path, q.query)) })
			})
		}
		for i, n := range nodes {
			a, err := n.trigger(publication{Name: "e", Data: "1", Channels: []string{"news", "presence-room", "nobody"}, Info: "user_count,subscription_count"})
			want := `{"channels":{"news":{"subscription_count":3},"nobody":{},"presence-room":{"user_count":2}}}`
			if err != nil || canonical(a.body) != canonical(want) {
				t.Errorf("%s, info on publish by node %d: %v %v, want %s", when, i, err, a, want)
			}
		}
	}
	counts("at first")
	// Another program subscribes in Redis.
	names := r.lines("pubsub", "channels")
	startProgram(t, t.TempDir(), "redis-cli", "-p", fmt.Sprint(r.port), "psubscribe", "*")
	startProgram(t, t.TempDir(), "redis-cli", append([]string{"-p", fmt.Sprint(r.port), "subscribe"}, names...)...)
	eventually(t, clientTimeout, "nobody spies", func() string {
		if got := strings.Count(r.do("client", "list", "type", "pubsub"), "addr="); got < len(nodes)+2 {
			return fmt.Sprint(got)
		}
		return ""
	})
	counts("with spies")

	out := nodes[0].must(t, "status")
	for _, want := range []string{"Redis             connected, reached 1 times, 0 bytes wait for it", "other nodes       2"} {
		if !strings.Contains(strings.Join(strings.Fields(out), " "), strings.Join(strings.Fields(want), " ")) {
			t.Errorf("status lacks %q:\n%s", want, out)
		}
	}
}

// canonical returns JSON with sorted members.
func canonical(text string) string {
	v, err := decodeJSON(text)
	if err != nil {
		return text
	}
	return show(v)
}

// While a node is frozen, the others answer without it, and log that.
func TestClusterCountsOfAFrozenNode(t *testing.T) {
	t.Parallel()
	nodes := startNodes(t, 3, startRedis(t).env())
	listening(t, nodes[0], "news")
	listening(t, nodes[1], "news")
	listening(t, nodes[2], "news")
	nodes[2].freeze()
	for i, n := range nodes[:2] {
		for _, q := range []struct{ path, query, known string }{
			{"/connections", "", `{"connections":2}`},
			{"/channels", "info=subscription_count", `{"channels":{"news":{"subscription_count":2}}}`},
			{"/channels/news", "info=subscription_count", `{"occupied":true,"subscription_count":2}`},
		} {
			all := strings.Replace(q.known, "2", "3", 1) // the answer may include what is cached of the frozen node
			if got := n.ask(q.path, q.query); got != q.known && got != all {
				t.Errorf("node %d says %s, want %s", i, got, q.known)
			}
		}
	}
	eventually(t, clientTimeout, "nobody is told", func() string {
		if strings.Contains(nodes[0].output.String(), "answer") {
			return ""
		}
		return nodes[0].output.String()
	})
	nodes[2].thaw()
	eventually(t, goneWithin, "after it came back", func() string {
		return same(nodes, `{"connections":3}`, func(n *node) string { return n.ask("/connections", "") })
	})
}

// terminate_connections ends the user's connections on all nodes, and no others.
func TestClusterTerminate(t *testing.T) {
	t.Parallel()
	nodes := startNodes(t, 3, startRedis(t).env())
	const room = "presence-room"
	var ends, stays []*watcher
	for _, n := range nodes {
		ends = append(ends, entered(t, n, room, "ann"))
		stays = append(stays, entered(t, n, room, "bob"), listening(t, n, "news"))
	}
	a, err := nodes[1].call("POST", "/apps/"+appID+"/users/ann/terminate_connections", "", "{}")
	if err != nil || a.status != 200 {
		t.Fatal(a, err)
	}
	for i, w := range ends {
		<-w.done
		if w.code != ws.StatusCode(4009) {
			t.Errorf("connection %d has ended with %d", i, w.code)
		}
	}
	for _, w := range stays {
		w.await(clientTimeout, "the roster", func() bool {
			return !w.joined(room) || slices.Equal(w.members(room), []string{"bob"})
		})
		w.await(clientTimeout, "the answer to a ping", w.pinged())
		w.checkViolations()
	}
}

// Every node knows the last event of a cache channel, with or without subscribers, also when the node that published it is gone.
func TestClusterCache(t *testing.T) {
	t.Parallel()
	nodes := startNodes(t, 3, startRedis(t).env())
	const miss = "pusher:cache_miss"
	// last has a newcomer told of the last event of the history. It may still be on its way to Redis: then he is told of an earlier one, or
	// that there is none, and gets what follows.
	last := func(n *node, channel string, history ...string) {
		t.Helper()
		w := listening(t, n, channel)
		w.await(clientTimeout, "the last event of "+channel, func() bool { return slices.Contains(w.names(channel), history[len(history)-1]) })
		if got := w.names(channel); len(got) > len(history) || !slices.Equal(got, history[len(history)-len(got):]) {
			t.Errorf("the last events of %s are %v, of %v", channel, got, history)
		}
		w.close()
	}
	history := []string{miss}
	for i, n := range nodes {
		last(n, "cache-nothing", miss)
		n.publish("cache-news", fmt.Sprint("first-", i), "1")
		n.publish("cache-news", fmt.Sprint("last-", i), "1")
		history = append(history, fmt.Sprint("first-", i), fmt.Sprint("last-", i))
		for _, other := range nodes {
			last(other, "cache-news", history...)
		}
	}
	kept := listening(t, nodes[0], "cache-kept") // one that hears it all the time
	nodes[2].publish("cache-kept", "of the dead", "1")
	nodes[2].publish("cache-alone", "of the dead", "1")
	kept.await(clientTimeout, "the event", func() bool { return slices.Contains(kept.names("cache-kept"), "of the dead") })
	last(nodes[1], "cache-alone", miss, "of the dead")
	nodes[2].kill()
	for _, n := range nodes[:2] {
		last(n, "cache-kept", "of the dead")
		last(n, "cache-alone", "of the dead")
	}
	must(t, nodes[2].begin())
	last(nodes[2], "cache-alone", "of the dead")
	// Presence channels cache events too, but never member events.
	ann := entered(t, nodes[0], "presence-cache-room", "ann")
	nodes[1].publish("presence-cache-room", "kept", "1")
	ann.await(clientTimeout, "the event", func() bool { return slices.Contains(ann.names("presence-cache-room"), "kept") })
	bob := entered(t, nodes[2], "presence-cache-room", "bob")
	bob.await(clientTimeout, "the last event", func() bool { return slices.Equal(bob.names("presence-cache-room"), []string{"kept"}) })
}
