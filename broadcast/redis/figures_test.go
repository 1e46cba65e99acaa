package redis

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"reverbd/protocol/pusher"
)

// The figures of docs/scaling.md:
//
//	go test ./broadcast/redis -run '^$' -bench Cluster -benchtime 1x

// fleet is many clients of a node.
type fleet struct{ clients []*testClient }

// comeToRooms connects clients that subscribe to so many channels each, whose names begin with prefix.
func comeToRooms(n *testNode, prefix string, clients, channels int) *fleet {
	c := &fleet{}
	for i := range clients {
		g, user := n.connect(), ""
		if prefix == "presence" {
			user = fmt.Sprintf("%q", fmt.Sprint("user-", i))
		}
		for j := range channels {
			g.subscribe(fmt.Sprintf("%s-%d-%d", prefix, i, j), user)
		}
		c.clients = append(c.clients, g)
	}
	return c
}

func (c *fleet) answers() (n int) {
	for _, g := range c.clients {
		g.mu.Lock()
		for _, m := range g.got {
			if strings.Contains(m, "subscription_succeeded") {
				n++
			}
		}
		g.mu.Unlock()
	}
	return n
}

// until waits for as long as a measurement may take.
func until(b *testing.B, what string, ok func() bool) time.Duration {
	b.Helper()
	began := time.Now()
	for !ok() {
		if time.Since(began) > 100*time.Second {
			b.Fatalf("%s: it never happened", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
	return time.Since(began)
}

// A node with 100,000 presence channels dies; the round trip to Redis is 5 ms.
func BenchmarkClusterEviction(b *testing.B) {
	const channels = 100_000
	r := launchRedis(b, "redis-server")
	var nodes []*testNode
	for range 3 {
		p, o := throughProxy(b, r)
		p.Delay(2500*time.Microsecond, 2500*time.Microsecond)
		nodes = append(nodes, newTestNode(b, o).ready())
	}
	dead := newTestNode(b, Options{Addrs: []string{r.path()}}).ready()
	comeToRooms(dead, "presence", channels/100, 100)
	rooms := dead.bus.names.rooms(dead.bus.queries.currentSession().node)
	left := func() int64 { return r.client.SCard(b.Context(), rooms).Val() }
	until(b, "all channels are in Redis", func() bool { return left() == channels })
	dead.stop()
	until(b, "the eviction has begun", func() bool { return left() < channels })
	took := until(b, "the eviction is over", func() bool { return left() == 0 })
	b.ReportMetric(took.Seconds(), "s/eviction")
	sessions := int64(0)
	for _, n := range nodes {
		sessions += n.bus.Stats().Sessions
	}
	b.ReportMetric(float64(sessions-3), "sessions-lost")
}

// Users join presence channels of their own, and leave them.
func BenchmarkClusterJoinsAndLeaves(b *testing.B) {
	for _, rtt := range []time.Duration{time.Millisecond, 5 * time.Millisecond} {
		b.Run(rtt.String(), func(b *testing.B) {
			const users = 20_000
			r := launchRedis(b, "redis-server")
			p, o := throughProxy(b, r)
			p.Delay(rtt/2, rtt/2)
			n := newTestNode(b, o).ready()
			began := time.Now()
			all := comeToRooms(n, "presence", users/10, 10)
			rooms := n.bus.names.rooms(n.bus.queries.currentSession().node)
			until(b, "all have joined", func() bool { return r.client.SCard(b.Context(), rooms).Val() == users })
			until(b, "all are answered", func() bool { return all.answers() == users })
			b.ReportMetric(users/time.Since(began).Seconds(), "joins/s")
			began = time.Now()
			for _, c := range all.clients {
				c.disconnect()
			}
			until(b, "all have left", func() bool { return r.client.SCard(b.Context(), rooms).Val() == 0 })
			b.ReportMetric(users/time.Since(began).Seconds(), "leaves/s")
		})
	}
}

// The pub/sub connection of a node with 100,000 channels is cut.
func BenchmarkClusterResubscribe(b *testing.B) {
	const channels = 100_000
	r := launchRedis(b, "redis-server")
	n := newTestNode(b, Options{Addrs: []string{r.path()}}).ready()
	comeToRooms(n, "news", channels/100, 100)
	caughtUp := func(session int64) func() bool {
		return func() bool {
			s := n.bus.queries.currentSession()
			return s != nil && n.bus.Stats().Sessions == session && s.subscriptions.idle() && isClosed(s.caughtUp) &&
				len(r.client.PubSubChannels(b.Context(), "reverb:e:*").Val()) == channels
		}
	}
	until(b, "all channels are heard", caughtUp(1))
	r.client.Do(b.Context(), "CONFIG", "RESETSTAT")
	r.client.Do(b.Context(), "CLIENT", "KILL", "TYPE", "pubsub")
	b.ReportMetric(until(b, "all channels are heard again", caughtUp(2)).Seconds(), "s/resubscribe")
	for line := range strings.Lines(r.client.Info(b.Context(), "commandstats").Val()) {
		if calls, ok := strings.CutPrefix(line, "cmdstat_subscribe:calls="); ok {
			var count float64
			_, _ = fmt.Sscanf(calls, "%f", &count)
			b.ReportMetric(count, "SUBSCRIBE-commands")
		}
	}
}

// An event goes from one node to another.
func BenchmarkClusterLatency(b *testing.B) {
	for name, pause := range map[string]time.Duration{"idle": 10 * time.Millisecond, "5000 a second": 200 * time.Microsecond} {
		b.Run(name, func(b *testing.B) {
			const events = 10_000
			r := launchRedis(b, "redis-server")
			o := Options{Addrs: []string{r.path()}}
			from, to := newTestNode(b, o).ready(), newTestNode(b, o).ready()
			g := &timed{sent: make([]time.Time, events), took: make([]time.Duration, 0, events)}
			to.on(func() {
				g.node = to
				to.hub.Loops()[0].Add(&g.sub, pusher.NewSocketID(), to.app, g)
				to.app.Subscribe(&g.sub, []byte("news"), 0, nil)
			})
			until(b, "it is heard", func() bool { return g.answered() })
			count := events
			if pause > time.Millisecond {
				count = 1000
			}
			next := time.Now()
			for i := range count {
				next = next.Add(pause)
				time.Sleep(time.Until(next))
				g.send(i)
				from.publish("news", fmt.Sprintf("event %d;%s", i, strings.Repeat("x", 90)))
			}
			until(b, "all have come", func() bool { return g.count() == count })
			slices.Sort(g.took)
			b.ReportMetric(float64(g.took[count/2].Microseconds()), "us-p50")
			b.ReportMetric(float64(g.took[count*99/100].Microseconds()), "us-p99")
		})
	}
}

// timed is a connection that takes the time from publishing to the write.
type timed struct {
	testClient
	hear bool
	sent []time.Time
	took []time.Duration
}

func (c *timed) send(i int) { c.mu.Lock(); c.sent[i] = time.Now(); c.mu.Unlock() }

func (c *timed) answered() bool { c.mu.Lock(); defer c.mu.Unlock(); return c.hear }

func (c *timed) count() int { c.mu.Lock(); defer c.mu.Unlock(); return len(c.took) }

func (c *timed) Write(p []byte) {
	now, text := time.Now(), string(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hear = c.hear || strings.Contains(text, "subscription_succeeded")
	for _, part := range strings.Split(text, "event ")[1:] {
		var i int
		if _, err := fmt.Sscanf(part, "%d;", &i); err == nil {
			c.took = append(c.took, now.Sub(c.sent[i]))
		}
	}
}
