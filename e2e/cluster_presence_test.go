package e2e

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

// goneWithin is how long members of a killed node may remain, with a margin for a slow machine.
const goneWithin = 15*time.Second + 5*time.Second

// There is one roster in the cluster: a user is added with the first connection on any node, removed after the last, and counts once.
func TestClusterPresence(t *testing.T) {
	t.Parallel()
	nodes := startNodes(t, 3, startRedis(t).env())
	const room = "presence-room"
	ann := entered(t, nodes[0], room, "ann")
	bob := entered(t, nodes[1], room, "bob")
	cat := entered(t, nodes[2], room, "cat")
	again := entered(t, nodes[1], room, "ann") // on a second node
	third := entered(t, nodes[1], room, "ann") // a second connection there
	all := []*watcher{ann, bob, cat, again, third}
	roster := func(want ...string) {
		t.Helper()
		for i, w := range all {
			w.await(clientTimeout, fmt.Sprint("the roster of client ", i), func() bool { return slices.Equal(w.members(room), want) })
		}
		var ids []string
		for _, id := range want {
			ids = append(ids, `"`+id+`"`)
		}
		eventually(t, clientTimeout, "users", func() string {
			return same(nodes, ids, func(n *node) []string { return n.users(room) })
		})
		eventually(t, clientTimeout, "user_count", func() string {
			return same(nodes, fmt.Sprintf(`{"channels":{"presence-room":{"user_count":%d}}}`, len(want)), func(n *node) string {
				return n.ask("/channels", "filter_by_prefix=presence-&info=user_count")
			})
		})
	}
	roster("ann", "bob", "cat")
	ann.close()
	all = all[1:]
	again.unsubscribe(room)
	again.await(clientTimeout, "the answer to a ping", again.pinged())
	all = slices.Delete(all, 2, 3)
	roster("ann", "bob", "cat") // bob still has the third connection
	third.close()
	all = all[:2]
	roster("bob", "cat")
	dan := entered(t, nodes[0], room, "dan")
	all = append(all, dan)
	roster("bob", "cat", "dan")
	bob.close()
	all = all[1:]
	roster("cat", "dan")
	if got, want := cat.names(room), []string{"removed ann", "added dan", "removed bob"}; !slices.Equal(got, want) {
		t.Errorf("a member of all the time heard %v, want %v", got, want)
	}
	for _, w := range []*watcher{ann, bob, cat, dan, again, third} {
		w.checkViolations()
	}
}

// pinged sends a ping and returns a function that reports whether its answer has arrived.
func (w *watcher) pinged() func() bool {
	var before int
	w.with(func() { before = w.pongs })
	w.say(`{"event":"pusher:ping","data":{}}`)
	return func() (yes bool) {
		w.with(func() { yes = w.pongs > before })
		return yes
	}
}

// Clients join and leave at once on all nodes, and all members see that in the same order.
func TestClusterPresenceOrder(t *testing.T) {
	t.Parallel()
	nodes := startNodes(t, 3, startRedis(t).env())
	const room, rounds = "presence-busy", 60
	var observers []*watcher
	for i, n := range nodes {
		observers = append(observers, entered(t, n, room, fmt.Sprint("observer-", i)))
	}
	var all sync.WaitGroup
	for i, n := range nodes {
		for j := range 3 {
			w := watch(t, n)
			random := rand.New(rand.NewPCG(uint64(i), uint64(j)))
			all.Go(func() {
				for range rounds {
					before := w.joins(room)
					w.join(room, fmt.Sprint("user-", random.IntN(4))) // often a user that has another connection
					if !spin(func() bool { return w.joins(room) > before }) {
						t.Errorf("no answer to a join: %v", w.errs)
						return
					}
					w.unsubscribe(room)
				}
			})
		}
	}
	all.Wait()
	for _, w := range observers {
		w.await(clientTimeout, "everybody to leave", func() bool { return len(w.members(room)) == len(nodes) })
	}
	// The observers joined one after the other: the events of the last are the end of the events of each other one.
	want := observers[len(observers)-1].names(room)
	for i, w := range observers {
		eventually(t, clientTimeout, fmt.Sprint("observer ", i), func() string {
			got := w.names(room)
			return firstDifference(got[max(0, len(got)-len(want)):], want)
		})
		w.checkViolations()
	}
	if len(want) < rounds {
		t.Errorf("only %d joins and leaves were seen", len(want))
	}
}

// kill -9: the members of the node leave once, its counts vanish, and users with a connection to another node stay.
func TestClusterNodeKilled(t *testing.T) {
	t.Parallel()
	nodes := startNodes(t, 3, startRedis(t).env())
	const room = "presence-room"
	stays := []*watcher{entered(t, nodes[0], room, "ann"), entered(t, nodes[1], room, "bob")}
	for i := range 20 {
		entered(t, nodes[2], room, fmt.Sprint("gone-", i))
	}
	entered(t, nodes[2], room, "bob") // this connection keeps bob in the room
	listening(t, nodes[2], "only-there")
	nodes[2].kill()
	left := nodes[:2]
	for i, w := range stays {
		w.await(goneWithin, fmt.Sprintf("client %d to see them leave: %v", i, w.members(room)), func() bool {
			return slices.Equal(w.members(room), []string{"ann", "bob"})
		})
	}
	eventually(t, goneWithin, "users", func() string {
		return same(left, []string{`"ann"`, `"bob"`}, func(n *node) []string { return n.users(room) })
	})
	eventually(t, goneWithin, "channels", func() string {
		return same(left, `{"channels":{"presence-room":{"user_count":2}}}`, func(n *node) string {
			return n.ask("/channels", "info=user_count,subscription_count")
		})
	})
	if got := same(left, `{"connections":2}`, func(n *node) string { return n.ask("/connections", "") }); got != "" {
		t.Error(got)
	}
	// It starts again as another node, without members of the old one.
	must(t, nodes[2].begin())
	late := entered(t, nodes[2], room, "late")
	for _, w := range append(stays, late) {
		w.await(clientTimeout, "the late one", func() bool { return slices.Equal(w.members(room), []string{"ann", "bob", "late"}) })
		w.checkViolations()
	}
	removed := 0
	for _, name := range stays[0].names(room) {
		if len(name) > 8 && name[:8] == "removed " {
			removed++
		}
	}
	if removed != 20 {
		t.Errorf("%d members were removed, want 20", removed)
	}
}

// A node that was frozen for longer than the lease joins again with the right members: none is missing, and none that has left remains.
func TestClusterNodeFrozen(t *testing.T) {
	t.Parallel()
	nodes := startNodes(t, 3, startRedis(t).env())
	const room = "presence-room"
	ann := entered(t, nodes[0], room, "ann")
	bob := entered(t, nodes[1], room, "bob")
	ice := entered(t, nodes[2], room, "ice")
	melts := entered(t, nodes[2], room, "melts")
	both := entered(t, nodes[2], room, "ann")
	listening(t, nodes[2], "quiet")
	nodes[2].freeze()
	for _, w := range []*watcher{ann, bob} {
		w.await(goneWithin, "the frozen node's members to leave", func() bool { return slices.Equal(w.members(room), []string{"ann", "bob"}) })
	}
	bob.close()                               // the frozen node does not notice
	melts.close()                             // a client of the frozen node leaves
	late := entered(t, nodes[0], room, "new") // a client joins
	nodes[2].thaw()
	want := []string{"ann", "ice", "new"}
	present := []*watcher{ann, ice, both, late}
	for i, w := range present {
		w.await(goneWithin, fmt.Sprintf("client %d, which has %v", i, w.members(room)), func() bool {
			got := w.members(room)
			slices.Sort(got)
			return slices.Equal(got, want)
		})
	}
	for _, w := range present {
		w.checkViolations()
	}
	eventually(t, goneWithin, "users", func() string {
		first := nodes[0].users(room)
		if got := slices.Sorted(slices.Values(first)); !slices.Equal(got, []string{`"ann"`, `"ice"`, `"new"`}) {
			return show(got)
		}
		return same(nodes, first, func(n *node) []string { return n.users(room) })
	})
	eventually(t, goneWithin, "channels", func() string {
		return same(nodes, `{"channels":{"presence-room":{"user_count":3},"quiet":{"subscription_count":1}}}`, func(n *node) string {
			return n.ask("/channels", "info=user_count,subscription_count")
		})
	})
	awaitCluster(t, nodes...)
	nodes[0].publish(room, "all", "1")
	nodes[2].publish(room, "of you", "1")
	for _, w := range present {
		w.await(clientTimeout, "events from both sides", func() bool {
			names := w.names(room)
			return slices.Contains(names, "all") && slices.Contains(names, "of you")
		})
	}
}
