package broadcast

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"reverbd/protocol/pusher"
)

// connected is a hub with a bus that has told nothing yet, so that every subscription is pending.
func connected(t testing.TB, loops int) *testHub {
	t.Helper()
	r := newTestHub(t, Options{Loops: loops, Bus: &countingBus{}})
	r.BusConnected()
	return r
}

func successes(c *fakeConn) (n int) {
	for _, text := range c.texts() {
		if strings.Contains(text, "subscription_succeeded") {
			n++
		}
	}
	return n
}

// Many wait for one channel; some ask again, some give up, in any order: those that are left are answered once for each time they asked.
func TestManyPending(t *testing.T) {
	const clients = 3*answerSlice + 7
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, channel := range []string{"news", "presence-room"} {
		t.Run(channel, func(t *testing.T) {
			r := connected(t, 3)
			asked := map[*fakeConn]int{}
			var all []*fakeConn
			for i := range clients {
				c, user := r.connect(i%3), ""
				if channel == "presence-room" {
					user = fmt.Sprint(i / 2) // two connections of each
				}
				for range 1 + rnd.IntN(3) {
					r.subscribe(c, channel, user)
					asked[c]++
				}
				all = append(all, c)
			}
			rnd.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			for _, c := range all[:clients/3] {
				r.app.Unsubscribe(c.sub, []byte(channel))
				asked[c] = 0
			}
			u := r.app.TakeUpdate(channel)
			s := Snapshot{Version: 1}
			for _, id := range u.Joins {
				s.Members = append(s.Members, Member{Key: id.Key, Data: id.Data, Nodes: 1})
			}
			r.drainAll()
			for _, c := range all {
				if successes(c) > 0 {
					t.Fatal("answered before the channel is in sync")
				}
			}
			r.app.Synced(channel, s, u)
			r.drainAll()
			for _, c := range all {
				if got := successes(c); got != asked[c] {
					t.Fatalf("a client that asked %d times was answered %d times", asked[c], got)
				}
			}
			if got := r.app.Channel([]byte(channel)).Subscribers; got != clients-clients/3 {
				t.Errorf("%d subscribers", got)
			}
		})
	}
}

// Members who join a channel that is in sync are answered as the cluster confirms them, by whichever comes later: the confirmation, or
// the change in the roster that it refers to.
func TestPendingMembersAreAnsweredEach(t *testing.T) {
	const channel, clients = "presence-room", 600
	for _, first := range []string{"the change", "the confirmation"} {
		t.Run(first+" comes first", func(t *testing.T) {
			r := connected(t, 2)
			watcher := r.connect(0)
			r.subscribe(watcher, channel, `"watcher"`)
			u := r.app.TakeUpdate(channel)
			r.app.Synced(channel, Snapshot{Version: 1, Members: []Member{{Key: "watcher", Data: u.Joins[0].Data, Nodes: 1}}}, u)
			var all []*fakeConn
			for i := range clients {
				c := r.connect(i % 2)
				r.subscribe(c, channel, fmt.Sprintf(`"user-%d"`, i))
				all = append(all, c)
			}
			u = r.app.TakeUpdate(channel)
			version := uint64(1)
			for part := 0; part < clients; part += 100 {
				joins := Update{Wanted: true, Synced: true, Joins: u.Joins[part : part+100]}
				var changes []Change
				for _, id := range joins.Joins {
					changes = append(changes, Change{Key: id.Key, Data: id.Data, Nodes: 1})
				}
				change := func() { r.app.RosterChanged(channel, version, version+100, changes) }
				confirm := func() { r.app.Applied(channel, joins, version+100) }
				if first == "the change" {
					change()
					confirm()
				} else {
					confirm()
					r.drainAll()
					if successes(all[part]) > 0 {
						t.Fatal("answered before this node's roster has the member")
					}
					change()
				}
				version += 100
				r.drainAll()
				for i, c := range all {
					want := 0
					if i >= part && i < part+100 {
						want = 1
					}
					if got := successes(c); got != want {
						t.Fatalf("client %d was answered %d times, want %d, after %d were confirmed", i, got, want, part+100)
					}
				}
			}
		})
	}
}

// Subscriptions whose time is over succeed without the cluster, and those who have given up are not answered.
func TestPendingExpires(t *testing.T) {
	r := connected(t, 1)
	c, gone := r.connect(0), r.connect(0)
	r.subscribe(c, "presence-room", `"1"`)
	r.subscribe(gone, "presence-room", `"2"`)
	r.loops[0].Remove(gone.sub)
	now := r.now()
	r.now = func() time.Time { return now.Add(2 * pendingTimeout) }
	r.ExpirePending()
	r.drainAll()
	if successes(c) != 1 || successes(gone) != 0 {
		t.Error("not those were answered whose time is over")
	}
}

// The cost of answering everybody who waits for one channel is that of one, times their number: compare the lines.
func BenchmarkAnswerPending(b *testing.B) {
	for _, clients := range []int{1000, 8000, 32000} {
		b.Run(fmt.Sprint(clients), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				r := connected(b, 2)
				for i := range clients {
					c := &discardConn{}
					c.sub = &Subscriber{}
					r.loops[i%2].Add(c.sub, pusher.NewSocketID(), r.app, c)
					r.app.Subscribe(c.sub, []byte("news"), 0, nil)
				}
				u := r.app.TakeUpdate("news")
				b.StartTimer()
				r.app.Synced("news", Snapshot{}, u)
				r.drainAll()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*clients), "ns/client")
		})
	}
}

// A change that the snapshot has already brings nothing new: the roster is not read again.
func TestChangeBeforeSnapshot(t *testing.T) {
	const channel = "presence-room"
	r := connected(t, 1)
	r.subscribe(r.connect(0), channel, `"1"`)
	u := r.app.TakeUpdate(channel)
	change := Change{Key: "1", Data: u.Joins[0].Data, Nodes: 1}
	r.app.Synced(channel, Snapshot{Version: 7, Members: []Member{change}}, u)
	for _, version := range []uint64{6, 7} {
		r.app.RosterChanged(channel, version-1, version, []Change{change})
		if !r.app.TakeUpdate(channel).Synced {
			t.Errorf("version %d makes a roster of version 7 out of date", version)
		}
	}
	r.app.RosterChanged(channel, 8, 9, []Change{change})
	if r.app.TakeUpdate(channel).Synced {
		t.Error("a missing version is not noticed")
	}
}
