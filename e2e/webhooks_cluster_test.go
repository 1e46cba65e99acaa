package e2e

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// hookedEnv is the .env of nodes that share a Redis and tell the receiver of what happens.
func hookedEnv(r *redisServer, h *hooks, events string) string {
	env := r.env() + "\nREVERB_APP_WEBHOOK_URL=" + h.URL + "/hook\n"
	if events != "" {
		env += "REVERB_APP_WEBHOOK_EVENTS=" + events + "\n"
	}
	return env
}

// The nodes of a cluster tell together what happens, each thing once.
func TestClusterWebhooks(t *testing.T) {
	t.Parallel()
	h := newHooks(t, appSecret)
	nodes := startNodes(t, 3, hookedEnv(startRedis(t), h, "channel_occupied,channel_vacated,member_added,member_removed,client_event,cache_miss,subscription_count"))
	a, b, c := connect(t, nodes[0].server), connect(t, nodes[1].server), connect(t, nodes[2].server)
	a.subscribe("news", nil)
	b.subscribe("news", nil)
	c.subscribe("news", nil)
	a.join("presence-room", "1")
	b.join("presence-room", "1")
	want := []string{"channel_occupied news", "channel_occupied presence-room", "member_added presence-room 1"}
	awaitHooks(t, h, want)
	await(t, "the count", func() bool { return lastCount(h, "news") == 3 })
	b.send(`{"event":"client-typing","channel":"presence-room","data":{"on":true}}`)
	c.send(`{"event":"pusher:subscribe","data":{"channel":"cache-empty"}}`)
	want = append(want, "client_event presence-room 1", "channel_occupied cache-empty", "cache_miss cache-empty")
	awaitHooks(t, h, want)
	must(t, a.conn.Close()) // the others have all of it too
	await(t, "the count", func() bool { return lastCount(h, "news") == 2 })
	b.unsubscribe("news")
	nodes[2].kill() // with it go the last subscribers of two channels
	want = append(want, "channel_vacated news", "channel_vacated cache-empty")
	awaitHooks(t, h, want)
	must(t, b.conn.Close())
	want = append(want, "member_removed presence-room 1", "channel_vacated presence-room")
	awaitHooks(t, h, want)
}

// A restart of a node, of all nodes and of Redis is no departure, and nothing that was seen is lost.
func TestClusterWebhooksAcrossRestarts(t *testing.T) {
	t.Parallel()
	h := newHooks(t, appSecret)
	r := startRedis(t, "--appendonly", "yes")
	nodes := startNodes(t, 2, hookedEnv(r, h, ""), "--dev", "--debug=false", "--drain-timeout", "0")
	a, b := connect(t, nodes[0].server), connect(t, nodes[1].server)
	a.subscribe("stays", nil)
	b.subscribe("goes", nil)
	want := []string{"channel_occupied stays", "channel_occupied goes"}
	h.await(want...)
	nodes[0].must(t, "restart")
	a = connect(t, nodes[1].server)
	a.subscribe("stays", nil)
	h.refuses(func(int) int { return 503 })
	a.subscribe("new", nil)
	await(t, "an attempt", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.n > len(want)
	})
	for _, n := range nodes {
		must(t, n.stop())
		n.killed = true
	}
	h.refuses(nil)
	must(t, nodes[0].begin()) // on its own
	a = connect(t, nodes[0].server)
	a.subscribe("later", nil)
	want = append(want, "channel_occupied new", "channel_vacated stays", "channel_vacated goes", "channel_vacated new", "channel_occupied later")
	h.await(want...)
}

// hookTruth is what a receiver should believe after all that it was told, and what it has been told wrongly.
type hookTruth struct {
	here map[string]bool // "channel" and "channel user"
}

// believe takes an event in. An occupied channel that is occupied, or a vacated one that is vacated, is told twice, or has lost what was between.
func (b *hookTruth) believe(e hookEvent) error {
	subject := strings.TrimSpace(e.Channel + " " + e.UserID)
	come := e.Name == "channel_occupied" || e.Name == "member_added"
	if b.here[subject] == come {
		return fmt.Errorf("%v, which is known", e)
	}
	if b.here[subject] = come; !come {
		delete(b.here, subject)
	}
	return nil
}

// Clients come and go on nodes of which some are killed, and start again, while the receiver fails at times. Whatever is told makes sense in its
// order, nothing twice, and in the end the receiver knows exactly who is there.
func TestClusterWebhooksModel(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	h := newHooks(t, appSecret)
	h.refuses(func(n int) int {
		if n%7 == 3 {
			return 500
		}
		return 0
	})
	nodes := startNodes(t, 3, hookedEnv(startRedis(t), h, "channel_occupied,channel_vacated,member_added,member_removed"))
	type connection struct {
		*client
		node *node
		on   map[string]string // channel to user
	}
	var clients []*connection
	for n := range 12 {
		clients = append(clients, &connection{connect(t, nodes[n%3].server), nodes[n%3], make(map[string]string)})
	}
	leave := func(c *connection) {
		for channel := range c.on {
			c.unsubscribe(channel)
			delete(c.on, channel)
		}
	}
	for step := range 150 {
		c := clients[random.IntN(len(clients))]
		room := fmt.Sprint("presence-", random.IntN(3))
		channel := fmt.Sprint("news-", random.IntN(4))
		switch random.IntN(6) {
		case 0, 1:
			if c.on[room] == "" {
				c.on[room] = fmt.Sprint("user", random.IntN(4))
				c.sendJoin(room, c.on[room])
			}
		case 2:
			if _, ok := c.on[channel]; !ok {
				c.on[channel] = ""
				c.send(`{"event":"pusher:subscribe","data":{"channel":"` + channel + `"}}`)
			}
		case 3:
			leave(c)
		case 4:
			for _, channel := range slices.Sorted(maps.Keys(c.on)) {
				c.unsubscribe(channel)
				delete(c.on, channel)
				break
			}
		case 5:
			time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond) // events of a while, not of a moment
		}
		if step == 50 || step == 100 {
			dead := nodes[step/50]
			dead.kill()
			must(t, dead.begin())
			for n, c := range clients {
				if c.node == dead {
					clients[n] = &connection{connect(t, dead.server), dead, make(map[string]string)}
				}
			}
		}
	}
	for _, c := range clients {
		c.drain()
	}
	want := make(map[string]bool)
	for _, c := range clients {
		for channel, user := range c.on {
			want[channel] = true
			if user != "" {
				want[channel+" "+user] = true
			}
		}
	}
	var err error
	agree := func() bool {
		truth := &hookTruth{here: make(map[string]bool)}
		for _, e := range h.got() {
			if err = truth.believe(e); err != nil {
				return true
			}
		}
		return maps.Equal(truth.here, want)
	}
	for end := time.Now().Add(60 * time.Second); !agree(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("told %v\nwant %v", h.got(), slices.Sorted(maps.Keys(want)))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d events in %d requests, %d of them again", len(h.got()), h.n, h.repeats)
}

// testRedisClusterWebhooks: what scripts touch together is in one place.
func testRedisClusterWebhooks(t *testing.T) {
	h := newHooks(t, appSecret)
	servers := shardedCluster(t)
	nodes := startNodes(t, 2, fmt.Sprintf("REVERB_SCALING_ENABLED=true\nREVERB_REDIS_CLUSTER=true\nREDIS_HOST=127.0.0.1:%d\nREVERB_APP_WEBHOOK_URL=%s\n",
		servers[0].port, h.URL))
	a, b := connect(t, nodes[0].server), connect(t, nodes[1].server)
	a.join("presence-room", "1")
	b.join("presence-room", "1")
	b.join("presence-other", "2")
	must(t, a.conn.Close())
	b.unsubscribe("presence-other")
	h.await("channel_occupied presence-room", "member_added presence-room 1", "channel_occupied presence-other", "member_added presence-other 2",
		"member_removed presence-other 2", "channel_vacated presence-other")
}
