package redis

import (
	"fmt"
	"slices"
	"testing"

	"reverbd/broadcast"
	"reverbd/protocol/pusher"
)

// signIn signs the client in as a user that watches others.
func (c *testClient) signIn(user string, watched ...string) {
	id, err := broadcast.NewIdentity(fmt.Appendf(nil, `{"user_id":%q}`, user))
	if err != nil {
		c.node.t.Fatal(err)
	}
	c.node.on(func() { c.node.app.SignIn(&c.sub, id, watched) })
}

func watchlist(online, offline string) string {
	list := func(id string) []string {
		if id == "" {
			return nil
		}
		return []string{id}
	}
	return string(pusher.AppendWatchlist(nil, list(online), list(offline)))
}

// A user is online while any node has a connection of it, and goes offline with the last one, or with its node.
func TestWatchlistAcrossNodes(t *testing.T) {
	r, a, b := newPair(t)
	ben := b.connect()
	ben.signIn("ben")
	eventually(t, "Redis knows that Ben is online", func() bool { return len(r.client.Keys(t.Context(), "*:r:*ben*").Val()) > 0 })
	ann := a.connect()
	ann.signIn("ann", "ben", "cid")
	ann.await(string(pusher.AppendWatchlist(nil, []string{"ben"}, []string{"cid"})))
	cid := b.connect()
	cid.signIn("cid", "ann")
	ann.await(watchlist("cid", ""))
	cid.await(watchlist("ann", ""))

	tab := a.connect()
	tab.signIn("ben")
	ben.disconnect() // and is still on the other node
	cid.disconnect()
	eventually(t, "Cid is offline", func() bool { return slices.Contains(ann.received(), watchlist("", "cid")) })
	if got := ann.received(); slices.Contains(got, watchlist("", "ben")) {
		t.Errorf("Ben is taken for offline: %q", got)
	}

	tab.disconnect()
	ann.await(watchlist("", "ben"))

	ben = b.connect()
	ben.signIn("ben")
	ann.await(watchlist("ben", ""))
	b.stop() // without a goodbye
	ann.await(watchlist("", "ben"))
	eventually(t, "Redis forgets who was online there", func() bool {
		return len(r.client.Keys(t.Context(), "*:r:*ben*").Val()) == 0
	})
}

// A node that joins late, or comes back to Redis, learns who is online.
func TestWatchlistAfterAnOutage(t *testing.T) {
	r, a, b := newPair(t)
	ann, ben := a.connect(), b.connect()
	ann.signIn("ann", "ben")
	ann.await(watchlist("", "ben"))
	r.kill()
	eventually(t, "Redis is lost", func() bool { return !a.bus.Stats().Connected && !b.bus.Stats().Connected })
	ben.signIn("ben")
	cid := a.connect()
	cid.signIn("cid", "ann") // is told what this node knows
	cid.await(watchlist("ann", ""))
	r.start()
	ann.await(watchlist("ben", ""))
}

// Commands reach the connections of a user on every node, and no other.
func TestCommandsAcrossNodes(t *testing.T) {
	_, a, b := newPair(t)
	ben, other := b.connect(), b.connect()
	ben.signIn("ben")
	ben.join("news", "")
	ben.join("private-team", "")
	other.signIn("other")
	other.join("news", "")
	eventually(t, "the other node knows", func() bool {
		info := a.app.UserInfo("ben")
		return info.Connections == 1 && fmt.Sprint(info.Channels) == "[news private-team]"
	})
	command := broadcast.Command{Action: broadcast.ActionUnsubscribe, User: "ben", Channels: []string{"private-*"}}
	if err := a.app.Command(command); err != nil {
		t.Fatal(err)
	}
	ben.await("pusher:subscription_error", "private-team")
	eventually(t, "the subscription ends", func() bool { return fmt.Sprint(a.app.UserInfo("ben").Channels) == "[news]" })
	if err := a.app.Command(broadcast.Command{Action: broadcast.ActionReconnect, User: "ben"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "Ben is gone", func() bool { return a.app.UserInfo("ben").Connections == 0 })
	if n := a.app.UserInfo("other").Connections; n != 1 {
		t.Errorf("%d connections of the other user", n)
	}
}

// The number of subscribers is that of all nodes, and all of them are told.
func TestSubscriptionCountAcrossNodes(t *testing.T) {
	_, a, b := newPair(t)
	a.app.SetCounts(true)
	b.app.SetCounts(true)
	ann, ben := a.connect(), b.connect()
	ann.join("news", "")
	ben.join("news", "")
	for _, c := range []*testClient{ann, ben} {
		c.await(`"pusher_internal:subscription_count"`, `:2}`)
	}
	ben.disconnect()
	ann.await(`"pusher_internal:subscription_count"`, `:1}`)
}
