package redis

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// awaitEvents waits until a client has received all of these events, and fails unless they came in that order, each once.
func awaitEvents(t *testing.T, g *testClient, prefix string, want []string) {
	t.Helper()
	var got []string
	eventually(t, "all events of "+prefix, func() bool {
		got = slices.DeleteFunc(g.received(), func(m string) bool { return !strings.HasPrefix(m, prefix) })
		return len(got) >= len(want)
	})
	if !slices.Equal(got, want) {
		t.Errorf("received %q, want %q", got, want)
	}
}

// What Redis refuses for a while still arrives: events of cache channels, and those of other channels between them, in order. The
// last event of the channel is the last one that was published.
func TestRefusedEventsArrive(t *testing.T) {
	refusals := map[string]func(t *testing.T, r *redisServer, i int){
		"out of memory": func(t *testing.T, r *redisServer, i int) {
			limit := "1"
			if i%20 < 5 {
				limit = "0"
			}
			r.client.ConfigSet(t.Context(), "maxmemory", limit)
		},
		"scripts forgotten": func(t *testing.T, r *redisServer, _ int) { r.client.ScriptFlush(t.Context()) },
		"the key is of another type": func(t *testing.T, r *redisServer, i int) {
			r.client.Del(t.Context(), "reverb:l:{c:app:cache-x}")
			r.client.LPush(t.Context(), "reverb:l:{c:app:cache-x}", "x")
		},
	}
	for name, refuse := range refusals {
		t.Run(name, func(t *testing.T) {
			onEachServer(t, func(t *testing.T, r *redisServer, a, b *testNode) {
				ben := b.connect()
				ben.join("cache-x", "")
				ben.join("news", "")
				var cached, plain []string
				for i := range 200 {
					cached, plain = append(cached, fmt.Sprintf("cached %03d", i)), append(plain, fmt.Sprintf("plain %03d", i))
					a.publish("cache-x", cached[i])
					a.publish("news", plain[i])
					if i%5 == 0 {
						refuse(t, r, i)
					}
				}
				awaitEvents(t, ben, "cached", cached)
				awaitEvents(t, ben, "plain", plain)
				if got := string(b.app.Channel([]byte("cache-x")).Last.Payload()); got != cached[199] {
					t.Errorf("the last event is %s", got)
				}
				if n := a.bus.Stats().Refused; n != 0 {
					t.Errorf("%d events were refused for good", n)
				}
			})
		})
	}
}

// A script has no sooner been forgotten than another node makes it known again, in the middle of a batch: the channel keeps its order.
func TestRefusedEventsKeepTheirOrder(t *testing.T) {
	_, a, b := newPair(t)
	s := &session{bus: a.bus, hub: a.hub, client: a.bus.client, names: a.bus.names}
	batch := make([]item, 4)
	replies := make([]goredis.Cmder, len(batch))
	refused := goredis.NewCmd(t.Context())
	refused.SetErr(fakeReply("NOSCRIPT No matching script"))
	for i, channel := range []string{"cache-x", "cache-y", "cache-x", "cache-z"} {
		batch[i] = item{kind: kindCached, channel: channel, number: uint64(i + 1)}
		replies[i] = refused
	}
	replies[2] = goredis.NewCmd(t.Context())
	again, err := s.sort(batch, replies)
	if err != nil || len(again) != 2 || again[0].channel != "cache-y" || again[1].channel != "cache-z" || !again[0].eval {
		t.Errorf("sent again: %v, %v", again, err)
	}
	if n := a.bus.Stats().Refused; n != 1 {
		t.Errorf("%d events count as refused", n)
	}
	_ = b
}

type fakeReply string

func (e fakeReply) Error() string { return string(e) }
func (fakeReply) RedisError()     {}

// An event that is sent again, since nobody knows whether Redis has taken it, is published once and does not become the last one.
func TestSentAgainIsNotTheLast(t *testing.T) {
	onEachServer(t, func(t *testing.T, r *redisServer, a, b *testNode) {
		key := a.bus.names.cached("app", "cache-x")
		run := func(origin uint64, text string) string {
			t.Helper()
			m := appendEnvelope(nil, kindCached, envelope{origin: origin, number: 1, payload: []byte(text)})
			v, err := cacheScript.Run(t.Context(), r.client, []string{key}, a.bus.names.events("app", "cache-x"), "PUBLISH", m, 60, origin, 1).Text()
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		first, second := run(1, "first"), run(2, "second")
		if again := run(1, "first"); first == "0" || second == "0" || again != "0" {
			t.Errorf("the offsets are %s, %s and, of what is sent again, %s", first, second, again)
		}
		ben := b.connect()
		ben.join("cache-x", "")
		ben.await("second")
		for i := range 300 { // processes come and go
			run(uint64(i+10), fmt.Sprint("of process ", i))
		}
		if n := r.client.HLen(t.Context(), key).Val(); n > 110 {
			t.Errorf("%d processes are remembered", n)
		}
	})
}

// A full Redis does not cut the nodes apart, and nothing is known to be kept that is not.
func TestRedisIsFull(t *testing.T) {
	onEachServer(t, func(t *testing.T, r *redisServer, a, b *testNode) {
		ann, _ := joinBoth(a, b)
		for _, channel := range []string{"news", "cache-old", "cache-new"} {
			ann.join(channel, "")
		}
		b.publish("cache-old", "the old one")
		ann.await("the old one")
		r.client.ConfigSet(t.Context(), "maxmemory", "1")
		if r.client.Set(t.Context(), "x", "y", 0).Err() == nil {
			t.Fatal("Redis is not full")
		}
		dot := b.connect()
		dot.subscribe("presence-room", `"dot"`)
		dot.await("subscription_succeeded", "ann") // who is there is known all the same
		for range 3 {                              // longer than nodes live without a heartbeat
			for _, channel := range []string{"presence-room", "news", "cache-old", "cache-new"} {
				text := fmt.Sprintf("on %s at %v", channel, time.Now())
				b.publish(channel, text)
				ann.await(text)
			}
			sleep(t.Context(), leaseTimeout/2)
		}
		for _, n := range []*testNode{a, b} {
			if s := n.bus.Stats(); s.Sessions != 1 || s.Peers != 1 || s.Refused != 0 {
				t.Errorf("the nodes were apart: %+v", s)
			}
		}
		eve := b.connect()
		eve.join("presence-room", `"eve"`)
		eve.disconnect()
		r.client.ConfigSet(t.Context(), "maxmemory", "0")
		ann.await("member_added", "dot")
		eventually(t, "who has come is there, and who has left is not", func() bool { return len(a.app.Users([]byte("presence-room"))) == 3 })
	})
}

// Who leaves is taken off a full Redis, and so is a node that dies.
func TestRedisIsFullAndNodesDie(t *testing.T) {
	onEachServer(t, func(t *testing.T, r *redisServer, a, b *testNode) {
		ann, _ := joinBoth(a, b)
		cid := b.connect()
		cid.join("presence-room", `"cid"`)
		ann.await("member_added", "cid")
		r.client.ConfigSet(t.Context(), "maxmemory", "1")
		cid.disconnect()
		ann.await("member_removed", "cid")
		b.stop()
		ann.await("member_removed", "ben")
	})
}
