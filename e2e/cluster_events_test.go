package e2e

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Events of the API, of a batch and of clients reach every subscriber on every node once and in order, except the excluded connection.
func TestClusterEvents(t *testing.T) {
	t.Parallel()
	nodes := startNodes(t, 3, startRedis(t).env())
	const room = "private-room"
	var all []*watcher
	for _, n := range nodes {
		all = append(all, listening(t, n, room, "other"), listening(t, n, room))
	}
	want := make([][]string, len(all))
	expect := func(name string, except int) {
		for i := range all {
			if i != except {
				want[i] = append(want[i], name)
			}
		}
	}
	for i, n := range nodes {
		for j := range 50 {
			name := fmt.Sprintf("api-%d-%d", i, j)
			n.publish(room, name, "{}")
			expect(name, -1)
		}
		var batch []string
		for j := range 10 {
			name := fmt.Sprintf("batch-%d-%d", i, j)
			batch = append(batch, fmt.Sprintf(`{"name":%q,"channel":%q,"data":"x"}`, name, room))
			expect(name, -1)
		}
		a, err := n.call("POST", "/apps/"+appID+"/batch_events", "", `{"batch":[`+strings.Join(batch, ",")+`]}`)
		if err != nil || a.status != 200 {
			t.Fatal(a, err)
		}
		for k, w := range all { // each client is excluded once, on whichever node it is
			name := fmt.Sprintf("others-%d-%d", i, k)
			n.publishTo(publication{Name: name, Data: "{}", Channels: []string{room}, SocketID: w.c.socketID})
			expect(name, k)
		}
		// The order is that of one publisher, so the next node must wait.
		awaitNames(t, all, room, want)
	}
	for i, w := range all {
		for j := range 20 {
			w.whisper(room, fmt.Sprintf("%d-%d", i, j), `{"n":1}`)
			expect(fmt.Sprintf("client-%d-%d", i, j), i)
		}
		awaitNames(t, all, room, want)
	}
	nodes[1].publishTo(publication{Name: "both", Data: "{}", Channels: []string{room, "other"}})
	expect("both", -1)
	awaitNames(t, all, room, want)
	for i, w := range all {
		names := w.names("other")
		if i%2 == 0 {
			w.await(clientTimeout, "the event of two channels", func() bool { return slices.Equal(w.names("other"), []string{"both"}) })
		} else if len(names) > 0 {
			t.Errorf("client %d hears %v on a channel that it is not on", i, names)
		}
		w.checkViolations()
	}
}

// awaitNames waits until every client has received exactly the wanted events.
func awaitNames(t *testing.T, all []*watcher, channel string, want [][]string) {
	t.Helper()
	for i, w := range all {
		eventually(t, clientTimeout, fmt.Sprint("client ", i), func() string {
			got := w.names(channel)
			if slices.Equal(got, want[i]) {
				return ""
			}
			return "has " + firstDifference(got, want[i])
		})
	}
}

func firstDifference(got, want []string) string {
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			return fmt.Sprintf("%d of %d events; from the %d. on %.200q, want %.200q", len(got), len(want), i, got[i:min(len(got), i+5)], want[min(len(want), i):min(len(want), i+5)])
		}
	}
	return ""
}

// An event that any node publishes at the moment of subscription_succeeded arrives.
func TestClusterSubscribeThenPublish(t *testing.T) {
	t.Parallel()
	tries := 10_000
	if len(raceFlags) > 0 || testing.Short() {
		tries = 2000
	}
	nodes := startNodes(t, 2, startRedis(t).env())
	const workers = 8
	var all sync.WaitGroup
	for worker := range workers {
		// Each has publishers of its own, so that nothing waits for another's answer.
		publisher := newPublisher(nodes[1])
		w := watch(t, nodes[0])
		all.Go(func() {
			for i := range tries / workers {
				channel := fmt.Sprintf("race-%d-%d", worker, i)
				w.subscribe(channel)
				if !spin(func() bool { return w.joined(channel) }) {
					t.Errorf("no answer to the subscription of %s: %v", channel, w.errs)
					return
				}
				if a, err := publisher.trigger(publication{Name: "e", Data: "1", Channels: []string{channel}}); err != nil || a.status != 200 {
					t.Error(a, err)
					return
				}
				if !spin(func() bool { return len(w.received(channel)) > 0 }) {
					t.Errorf("try %d: what was published after the subscription to %s is lost", i, channel)
					return
				}
				w.unsubscribe(channel)
			}
			w.checkViolations()
		})
	}
	all.Wait()
}

// newPublisher returns the same node with an API connection of its own.
func newPublisher(n *node) *node {
	other := *n
	other.api = freshAPI()
	n.t.Cleanup(other.api.CloseIdleConnections)
	return &other
}

// spin is eventually without pauses, for states that come within microseconds.
func spin(f func() bool) bool {
	for deadline := time.Now().Add(clientTimeout); !f(); time.Sleep(50 * time.Microsecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// A node is subscribed in Redis only to channels that it has subscribers of.
func TestClusterInterest(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	nodes := startNodes(t, 2, r.env())
	hearers := func(channel string) (n int) {
		for _, name := range r.lines("pubsub", "channels", "*"+channel+"*") {
			fields := r.lines("pubsub", "numsub", name)
			var count int
			_, _ = fmt.Sscan(fields[len(fields)-1], &count)
			n += count
		}
		return n
	}
	a := listening(t, nodes[0], "interest-one")
	if n := hearers("interest-one"); n != 1 {
		t.Errorf("%d nodes hear the channel that one has a subscriber of", n)
	}
	b := listening(t, nodes[1], "interest-one")
	if n := hearers("interest-one"); n != 2 {
		t.Errorf("%d nodes hear the channel that both have a subscriber of", n)
	}
	// Other installations are not disturbed, whatever their channels are called.
	for _, name := range r.lines("pubsub", "channels") {
		if !strings.HasPrefix(name, "reverb") {
			t.Errorf("the channel %q does not begin with the name of the installation", name)
		}
	}
	b.unsubscribe("interest-one")
	eventually(t, startTimeout, "the second node still listens", func() string {
		if n := hearers("interest-one"); n != 1 {
			return fmt.Sprint(n)
		}
		return ""
	})
	b.subscribe("interest-one")
	b.await(clientTimeout, "the second subscription", func() bool { return b.joins("interest-one") == 2 })
	nodes[0].publish("interest-one", "again", "1")
	for _, w := range []*watcher{a, b} {
		w.await(clientTimeout, "the event", func() bool { return slices.Contains(w.names("interest-one"), "again") })
	}
	a.close()
	b.close()
	eventually(t, startTimeout, "somebody listens though nobody is there", func() string {
		return strings.Join(r.lines("pubsub", "channels", "*interest-one*"), " ")
	})
}

// Two installations share a Redis and receive nothing from each other.
func TestClusterInstallations(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	one := startNodes(t, 2, r.env()+"REVERB_SCALING_CHANNEL=one\n")
	two := startNodes(t, 2, r.env()+"REVERB_SCALING_CHANNEL=two\n")
	a, b := entered(t, one[0], "presence-room", "ann"), entered(t, two[0], "presence-room", "bob")
	one[1].publish("presence-room", "for-one", "1")
	two[1].publish("presence-room", "for-two", "1")
	a.await(clientTimeout, "the event", func() bool { return slices.Equal(a.names("presence-room"), []string{"for-one"}) })
	b.await(clientTimeout, "the event", func() bool { return slices.Equal(b.names("presence-room"), []string{"for-two"}) })
	if a, b := show(a.members("presence-room")), show(b.members("presence-room")); a != `["ann"]` || b != `["bob"]` {
		t.Errorf("the rosters are %s and %s", a, b)
	}
	if got := same(one, []string{`"ann"`}, func(n *node) []string { return n.users("presence-room") }); got != "" {
		t.Error(got)
	}
	for _, nodes := range [][]*node{one, two} {
		if got := same(nodes, `{"connections":1}`, func(n *node) string { return n.ask("/connections", "") }); got != "" {
			t.Error(got)
		}
	}
}
