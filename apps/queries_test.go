package apps_test

import (
	"fmt"
	"testing"

	"reverbd/apps"
	"reverbd/apps/appstest"
)

// occupy has 2 connections on "one", 1 on "cache-c" with an event and on "cache-d" without, and the users 7 (twice) and "b"
// on "presence-p".
func occupy(t *testing.T) *appstest.Server {
	s := newServer(t)
	a, b := s.Connect("x"), s.Connect("x")
	a.Send(subscribe("one"), subscribe("cache-c"), subscribe("cache-d"))
	b.Send(subscribe("one"))
	s.Publish("x", "cache-c", "e", `{"n":1}`)
	a.Subscribe("x-secret", "presence-p", `{"user_id":7}`)
	b.Subscribe("x-secret", "presence-p", `{"user_id":"b"}`)
	s.Connect("x").Subscribe("x-secret", "presence-p", `{"user_id":"7"}`)
	s.Publish("x", "cache-vacant", "e", "1")
	return s
}

func TestQueries(t *testing.T) {
	s := occupy(t)
	const cached = `"cache":{"data":"{\"n\":1}","ttl":1800}`
	tests := []struct {
		name, target string
		status       int
		want         string
	}{
		{"all channels", "/channels", 200, `{"channels":{"cache-c":{},"cache-d":{},"one":{},"presence-p":{}}}`},
		{"by prefix", "/channels?filter_by_prefix=cache-", 200, `{"channels":{"cache-c":{},"cache-d":{}}}`},
		{"by a whole name", "/channels?filter_by_prefix=one", 200, `{"channels":{"one":{}}}`},
		{"by an empty prefix", "/channels?filter_by_prefix=", 200, `{"channels":{"cache-c":{},"cache-d":{},"one":{},"presence-p":{}}}`},
		{"decision 14: none", "/channels?filter_by_prefix=zzz", 200, `{"channels":{}}`},
		{
			"with everything", "/channels?info=occupied,user_count,subscription_count,cache", 200,
			`{"channels":{"cache-c":{"occupied":true,"subscription_count":1,` + cached + `},"cache-d":{"occupied":true,"subscription_count":1},` +
				`"one":{"occupied":true,"subscription_count":2},"presence-p":{"occupied":true,"user_count":2}}}`,
		},
		{"with something else", "/channels?info=nonsense&filter_by_prefix=one", 200, `{"channels":{"one":{}}}`},

		{"a channel", "/channels/one", 200, `{"occupied":true}`},
		{"subscriptions", "/channels/one?info=subscription_count", 200, `{"occupied":true,"subscription_count":2}`},
		{"the order is the server's", "/channels/cache-c?info=cache,subscription_count,occupied", 200, `{"occupied":true,"subscription_count":1,` + cached + `}`},
		{"white space in a list", "/channels/one?info=user_count,%20subscription_count", 200, `{"occupied":true,"subscription_count":2}`},
		{"users where there are none", "/channels/one?info=user_count", 200, `{"occupied":true}`},
		{"decision 14: a user counts once", "/channels/presence-p?info=user_count", 200, `{"occupied":true,"user_count":2}`},
		{"subscriptions of a presence channel", "/channels/presence-p?info=subscription_count", 200, `{"occupied":true}`},
		{"a cache with nothing in it", "/channels/cache-d?info=cache", 200, `{"occupied":true}`},
		{"a cache where there is none", "/channels/one?info=cache", 200, `{"occupied":true}`},
		{"unoccupied", "/channels/none?info=subscription_count,user_count,cache", 200, `{"occupied":false}`},
		{"unoccupied with a cached event", "/channels/cache-vacant?info=cache", 200, `{"occupied":false}`},
		{"a parameter given twice: the last counts, as in what is signed", "/channels/one?info=user_count&info=subscription_count", 200, `{"occupied":true,"subscription_count":2}`},

		{"decision 14: users is a list", "/channels/presence-p/users", 200, `{"users":[{"id":7},{"id":"b"}]}`},
		{"users of a vacant channel", "/channels/presence-none/users", 404, `{}`},
		{"users of a channel that never has any", "/channels/one/users", 400, `{}`},
		{"users of a vacant channel that never has any", "/channels/none/users", 404, `{}`},

		{"connections", "/connections", 200, `{"connections":3}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wantReply(t, s.Call("x", "GET", "/apps/x-id"+tt.target, ""), tt.status, "application/json", tt.want)
		})
	}
}

// Decision 14: the list stays a list when somebody in the middle leaves.
func TestDecision14UsersStayAList(t *testing.T) {
	s := newServer(t)
	var clients []*appstest.Client
	for i := range 3 {
		c := s.Connect("x")
		c.Subscribe("x-secret", "presence-p", fmt.Sprintf(`{"user_id":%d}`, i))
		clients = append(clients, c)
	}
	clients[1].Drop()
	wantReply(t, s.Call("x", "GET", "/apps/x-id/channels/presence-p/users", ""), 200, "application/json", `{"users":[{"id":0},{"id":2}]}`)
	clients[0].Drop()
	wantReply(t, s.Call("x", "GET", "/apps/x-id/channels/presence-p/users", ""), 200, "application/json", `{"users":[{"id":2}]}`)
}

// Decision 16: terminate_connections ends every connection of the app on which the user is, with 4009.
func TestDecision16Terminate(t *testing.T) {
	type client struct{ app, channel, data string }
	clients := []client{
		{"x", "presence-p", `{"user_id":"7"}`},
		{"x", "presence-q", `{"user_id":7}`},
		{"x", "presence-p", `{"user_id":"8"}`},
		{"x", "private-p", `{"user_id":"7"}`}, // not a member of anything
		{"x", "", ""},
		{"y", "presence-p", `{"user_id":"7"}`},
		{"x", "presence-p", `{"user_id":"a b\/"}`},
	}
	tests := []struct {
		name, user string
		ended      []int
	}{
		{"a user, with all connections", "7", []int{0, 1}},
		{"another", "8", []int{2}},
		{"nobody", "9", nil},
		{"an encoded id", "a%20b", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := appstest.New(t, appstest.Options{Apps: []apps.Settings{appstest.App("x"), appstest.App("y")}})
			var all []*appstest.Client
			for _, cl := range clients {
				c := s.Connect(cl.app)
				c.Send(subscribe("first")) // the member's channel is not the first
				if cl.channel != "" {
					c.Subscribe(cl.app+"-secret", cl.channel, cl.data)
				}
				all = append(all, c)
			}
			wantReply(t, s.Call("x", "POST", "/apps/x-id/users/"+tt.user+"/terminate_connections", ""), 200, "application/json", `{}`)
			codes := make([]int, len(all))
			for _, i := range tt.ended {
				codes[i] = 4009
			}
			for i, c := range all {
				wantClosed(t, fmt.Sprintf("client %d", i), c, codes[i])
			}
		})
	}
}

// Decision 16: the others are told that the user has left.
func TestDecision16TerminatedMembersLeave(t *testing.T) {
	s := newServer(t)
	a, b := s.Connect("x"), s.Connect("x")
	a.Subscribe("x-secret", "presence-p", `{"user_id":"a"}`)
	b.Subscribe("x-secret", "presence-p", `{"user_id":"b"}`)
	a.Received()
	s.Call("x", "POST", "/apps/x-id/users/b/terminate_connections", "")
	wantTexts(t, "the other", a, internal("pusher_internal:member_removed", `{"user_id":"b"}`, "presence-p"))
	wantReply(t, s.Call("x", "GET", "/apps/x-id/connections", ""), 200, "application/json", `{"connections":1}`)
}
