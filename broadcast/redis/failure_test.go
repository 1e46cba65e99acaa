package redis

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"reverbd/broadcast"
)

// A node is subscribed to channels that it has subscribers of, and unsubscribes some time after the last one has left.
func TestInterestFollowsSubscribers(t *testing.T) {
	r, a, b := newPair(t)
	subscribedNodes := func(channel string) int64 {
		name := a.bus.names.events("app", channel)
		return r.client.PubSubNumSub(t.Context(), name).Val()[name]
	}
	ann, ben := a.connect(), b.connect()
	ann.join("one", "")
	ann.join("both", "")
	ben.join("both", "")
	if n := subscribedNodes("one"); n != 1 {
		t.Errorf("%d nodes hear what one wants", n)
	}
	if n := subscribedNodes("both"); n != 2 {
		t.Errorf("%d nodes hear what both want", n)
	}
	ann.unsubscribe("both")
	ann.join("both", "")
	if n := subscribedNodes("both"); n != 2 {
		t.Errorf("%d nodes hear what was wanted again at once", n)
	}
	ann.unsubscribe("one")
	eventually(t, "nobody hears what nobody wants", func() bool { return subscribedNodes("one") == 0 })
	ann.join("one", "")
	b.publish("one", "again")
	ann.await("again")
}

// Foreign messages on the channels of the nodes are counted and change nothing.
func TestForeignMessages(t *testing.T) {
	r, a, b := newPair(t)
	ann, _ := joinBoth(a, b)
	channel := a.bus.names.events("app", "presence-room")
	valid := appendEnvelope(nil, kindEvent, envelope{origin: 1, number: 1, payload: []byte("valid")})
	messages := []string{
		"", "rvb1", "rvb2e", "hello", "rvb1e", "rvb1c", "rvb1p", "rvb1t", "rvb1q{", "rvb1a[]", "rvb1h{}", "rvb1x", "rvb1q\xff",
		string(valid[:len(valid)-1]), string(valid) + "x", strings.Replace(string(valid), "valid", "wrong", 1),
		string(appendEnvelope(nil, kindEvent, envelope{origin: 1, number: 2, payload: []byte("\xff\xfe")})),
		string(appendEnvelope(nil, kindCached, envelope{origin: 1, number: 3, payload: []byte("no order")})),
		"rvb1p1:2:", "rvb1p2:1:3:ann0:0:", "rvb1p1:2:999999999999:ann0:0:", "rvb1p1:99999999999999999999:3:ann0:0:",
		strings.Repeat("x", 4<<20),
	}
	for _, m := range messages {
		for _, channel := range []string{channel, a.bus.names.control(), a.bus.names.replies(a.bus.originName())} {
			if err := r.client.Publish(t.Context(), channel, m).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
	b.publish("presence-room", "still here")
	ann.await("still here")
	if n := a.bus.Stats().Foreign; n < int64(len(messages)) {
		t.Errorf("%d of %d messages were counted", n, 3*len(messages))
	}
	if got := a.bus.Stats().Sessions; got != 1 {
		t.Errorf("the node began anew %d times", got-1)
	}
	if got := len(a.app.Users([]byte("presence-room"))); got != 2 {
		t.Errorf("%d users", got)
	}
	// A well-formed change that does not follow the known version makes the node read the whole roster.
	if err := r.client.Publish(t.Context(), channel, fmt.Sprintf("rvb1p%d:%d:3:eve1:17:{\"user_id\":\"eve\"}", uint64(1)<<60, uint64(1)<<60+1)).Err(); err != nil {
		t.Fatal(err)
	}
	cid := b.connect()
	cid.join("presence-room", `"cid"`)
	ann.await("member_added", "cid")
	if got := len(a.app.Users([]byte("presence-room"))); got != 3 {
		t.Errorf("%d users", got)
	}
}

// A message that arrives twice is delivered once.
func TestDuplicateMessage(t *testing.T) {
	r, a, _ := newPair(t)
	ann := a.connect()
	ann.join("news", "")
	for range 3 {
		for n := range 3 {
			m := appendEnvelope(nil, kindEvent, envelope{origin: 7, number: uint64(n + 1), payload: fmt.Appendf(nil, "number %d", n)})
			r.client.Publish(t.Context(), a.bus.names.events("app", "news"), m)
		}
	}
	r.client.Publish(t.Context(), a.bus.names.events("app", "news"),
		appendEnvelope(nil, kindEvent, envelope{origin: 7, number: 9, payload: []byte("end")}))
	eventually(t, "the end", func() bool { return slices.Contains(ann.received(), "end") })
	if got := strings.Join(ann.received(), ","); got != "number 0,number 1,number 2,end" {
		t.Errorf("received %s", got)
	}
}

// The queue has a limit while Redis is away. A refused event is delivered nowhere; accepted events arrive, in order, when
// Redis is back.
func TestQueueIsBounded(t *testing.T) {
	r := startRedis(t)
	o := Options{Addrs: []string{r.path()}, QueueBytes: 20_000}
	a, b := newTestNode(t, o).ready(), newTestNode(t, o).ready()
	ann, ben := a.connect(), b.connect()
	ann.join("news", "")
	ben.join("news", "")
	r.kill()
	eventually(t, "both know", func() bool { return !a.bus.Stats().Connected && !b.bus.Stats().Connected })
	taken := 0
	for ; ; taken++ {
		text := fmt.Sprintf("event %d", taken)
		err := a.app.Publish(nil, []byte("news"), frameOf([]byte(text)), 0)
		if errors.Is(err, broadcast.ErrOverloaded) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if taken < 50 || taken > 200 {
		t.Fatalf("%d events were taken", taken)
	}
	if err := a.app.Command(broadcast.Command{Action: broadcast.ActionTerminate, User: "nobody"}); !errors.Is(err, broadcast.ErrOverloaded) {
		t.Errorf("terminating: %v", err)
	}
	r.start()
	for i := range taken {
		ben.await(fmt.Sprintf("event %d", i))
	}
	if m := ann.await(fmt.Sprintf("event %d", taken-1)); m == "" {
		t.Error("not delivered here")
	}
	if left := ann.received(); len(left) != 0 {
		t.Errorf("what was refused is delivered: %q", left)
	}
	eventually(t, "the queue is empty", func() bool { return a.bus.Stats().Queued == 0 })
}

func TestScriptFlush(t *testing.T) {
	r, a, b := newPair(t)
	ann, ben := a.connect(), b.connect()
	ann.join("presence-room", `"ann"`)
	r.client.ScriptFlush(t.Context())
	ben.join("presence-room", `"ben"`)
	ann.await("member_added", "ben")
	r.client.ScriptFlush(t.Context())
	ann.join("cache-x", "")
	b.publish("cache-x", "kept")
	ann.await("kept")
}

// Connections to Redis may be closed at any time.
func TestConnectionsKilled(t *testing.T) {
	r, a, b := newPair(t)
	ann, ben := joinBoth(a, b)
	for _, kind := range []string{"pubsub", "normal", "pubsub"} {
		before := a.bus.Stats().Sessions
		r.client.Do(t.Context(), "CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
		if kind == "pubsub" {
			for _, n := range []*testNode{a, b} {
				eventually(t, "a new session", func() bool { return n.bus.Stats().Sessions > before && n.bus.Stats().Connected })
			}
			eventually(t, "both hear", func() bool { return a.app.Channel([]byte("presence-room")).Subscribers == 2 })
		}
		b.publish("presence-room", "after "+kind)
		ann.await("after " + kind)
	}
	for _, c := range []*testClient{ann, ben} {
		if strings.Contains(strings.Join(c.received(), ""), "member_removed") {
			t.Error("somebody was seen leaving")
		}
	}
}

func TestCountsAcrossNodes(t *testing.T) {
	r, a, b := newPair(t)
	foreign := r.client.PSubscribe(t.Context(), "*")
	defer foreign.Close()
	for i := range 3 {
		a.connect().join("news", "")
		b.connect().join(fmt.Sprintf("presence-%d", i), `"ben"`)
	}
	b.connect().join("news", "")
	b.connect()
	for _, n := range []*testNode{a, b} {
		if got := n.app.Connections(); got != 8 {
			t.Errorf("%d connections", got)
		}
		if c := n.app.Channel([]byte("news")); c.Subscribers != 4 {
			t.Errorf("%d subscribers", c.Subscribers)
		}
		var names []string
		for _, c := range n.app.Channels("") {
			names = append(names, fmt.Sprintf("%s %d %d", c.Name, c.Subscribers, c.Users))
		}
		if got := strings.Join(names, ", "); got != "news 4 0, presence-0 1 1, presence-1 1 1, presence-2 1 1" {
			t.Errorf("channels: %s", got)
		}
		if ids := n.app.Users([]byte("presence-1")); len(ids) != 1 || string(ids[0]) != `"ben"` {
			t.Errorf("users %q", ids)
		}
	}
}

func TestTerminateAcrossNodes(t *testing.T) {
	_, a, b := newPair(t)
	ben := b.connect()
	ben.join("presence-room", `"ben"`)
	if err := a.app.Command(broadcast.Command{Action: broadcast.ActionTerminate, User: "ben"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "Ben is gone", func() bool { return b.app.Connections() == 0 })
	eventually(t, "nobody is there", func() bool { return !a.app.Channel([]byte("presence-room")).Occupied() })
}

// A node that is closed publishes what is queued and removes its keys.
func TestCloseRemovesKeys(t *testing.T) {
	r, a, b := newPair(t)
	ann, _ := joinBoth(a, b)
	b.publish("presence-room", "last words")
	if err := b.bus.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	ann.await("last words")
	ann.await("member_removed", "ben")
	ann.disconnect()
	if err := a.bus.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	keys := r.client.Keys(t.Context(), "*").Val()
	keys = slices.DeleteFunc(keys, func(k string) bool { return strings.Contains(k, ":dead:") || strings.Contains(k, ":x:") })
	if len(keys) != 0 {
		t.Errorf("left in Redis: %q", keys)
	}
}

func TestWrongPassword(t *testing.T) {
	r := startRedis(t, "--requirepass", "right")
	n := newTestNode(t, Options{Addrs: []string{r.path()}, Password: "wrong"})
	ann := n.connect()
	ann.join("presence-room", `"ann"`)
	n.publish("presence-room", "local")
	ann.await("local")
	if n.bus.Stats().Connected {
		t.Error("connected with a wrong password")
	}
	c := goredis.NewClient(&goredis.Options{Network: "unix", Addr: r.path(), Password: "right"})
	defer c.Close()
	c.ConfigSet(t.Context(), "requirepass", "wrong")
	n.ready()
}

// A node whose pub/sub connection is cut subscribes to each of its channels once.
func TestSubscribesOnceAfterCut(t *testing.T) {
	const channels = 3000
	r, a, _ := newPair(t)
	ann := a.connect()
	for i := range channels {
		ann.subscribe(fmt.Sprintf("channel-%d", i), "")
	}
	synced := func() bool {
		return r.client.PubSubNumSub(t.Context(), a.bus.names.control()).Val()[a.bus.names.control()] == 2 &&
			len(r.client.PubSubChannels(t.Context(), "reverb:e:*").Val()) == channels
	}
	eventually(t, "all channels are subscribed to", synced)
	r.client.ConfigSet(t.Context(), "slowlog-max-len", "10000")
	r.client.ConfigSet(t.Context(), "slowlog-log-slower-than", "0")
	r.client.Do(t.Context(), "CLIENT", "KILL", "TYPE", "pubsub")
	eventually(t, "a new session", func() bool { return a.bus.Stats().Sessions == 2 })
	eventually(t, "all channels are subscribed to again", synced)
	r.client.ConfigSet(t.Context(), "slowlog-log-slower-than", "-1")
	names := 0
	for _, entry := range r.client.SlowLogGet(t.Context(), -1).Val() {
		if !strings.EqualFold(entry.Args[0], "subscribe") {
			continue
		}
		n := len(entry.Args) - 1
		if more, ok := strings.CutPrefix(entry.Args[n], "... ("); ok { // "... (970 more arguments)"
			rest, _ := strconv.Atoi(strings.Fields(more)[0])
			n += rest - 1
		}
		if n > 1000 {
			t.Errorf("one command subscribes to %d channels", n)
		}
		names += n
	}
	if names < channels || names > channels+8 {
		t.Errorf("Redis was asked for %d names, for %d channels", names, channels)
	}
}
