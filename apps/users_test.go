package apps_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"reverbd/apps"
	"reverbd/apps/appstest"
	"reverbd/protocol/pusher"
)

// signIn is the message that signs a client in with user_data.
func signIn(c *appstest.Client, secret, userData string) string {
	auth := "x-key:" + pusher.UserSignature(secret, c.ID(), []byte(userData))
	b := pusher.AppendString([]byte(`{"event":"pusher:signin","data":{"auth":"`+auth+`","user_data":`), userData)
	return string(append(b, "}}"...))
}

// signedIn connects a client that is signed in as id and watches the users, and forgets what it was told.
func signedIn(s *appstest.Server, id string, watched ...string) *appstest.Client {
	c := s.Connect("x")
	list := ""
	if len(watched) > 0 {
		list = `,"watchlist":["` + strings.Join(watched, `","`) + `"]`
	}
	c.Send(signIn(c, "x-secret", `{"id":"`+id+`","user_info":{"n":"`+id+`"}`+list+`}`))
	c.Received()
	return c
}

func signInSuccess(userData string) string {
	inner := string(pusher.AppendString(nil, `{"user_data":`+string(pusher.AppendString(nil, userData))+`}`))
	return `{"event":"pusher:signin_success","data":` + inner + `}`
}

func watchlist(online, offline []string) string {
	return string(pusher.AppendWatchlist(nil, online, offline))
}

const (
	signInError   = `{"event":"pusher:error","data":{"code":4009,"message":"The sign-in is not authorized"}}`
	signInTimeout = `{"event":"pusher:error","data":{"code":4009,"message":"Connection not authorized within timeout."}}`
)

func TestSignIn(t *testing.T) {
	s := newServer(t)
	tests := []struct {
		name, secret, data string
		want               string
		code               int
	}{
		{"a user", "x-secret", `{"id":"1"}`, signInSuccess(`{"id":"1"}`), 0},
		{"Laravel's number", "x-secret", `{"id":1,"name":"x"}`, signInSuccess(`{"id":"1","name":"x"}`), 0},
		{"an empty watchlist", "x-secret", `{"id":"1","watchlist":[]}`, signInSuccess(`{"id":"1","watchlist":[]}`), 0},
		{"another secret", "y-secret", `{"id":"1"}`, signInError, 4009},
		{"no id", "x-secret", `{"name":"x"}`, signInError, 4009},
		{"no object", "x-secret", `"1"`, signInError, 4009},
		{"an id that no channel can have", "x-secret", `{"id":"` + strings.Repeat("x", 185) + `"}`, signInError, 4009},
		{"an id with a control character", "x-secret", `{"id":"\u0001"}`, signInError, 4009},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := s.Connect("x")
			c.Send(signIn(c, tt.secret, tt.data))
			wantTexts(t, "client", c, tt.want)
			wantClosed(t, "client", c, tt.code)
			c.Drop()
		})
	}
	c := s.Connect("x")
	c.Send(`{"event":"pusher:signin","data":{"auth":"x"}}`)
	wantTexts(t, "who sends no user_data", c, invalidFormat)
	wantClosed(t, "who sends no user_data", c, 0)
}

// Events for a user reach what has signed in as it, and nobody else can listen.
func TestServerToUser(t *testing.T) {
	s := newServer(t, asReverb)
	const ch = "#server-to-user-1"
	a, tab, b := signedIn(s, "1"), signedIn(s, "1"), signedIn(s, "2")
	for _, c := range []*appstest.Client{a, tab} {
		c.Send(`{"event":"pusher:subscribe","data":{"channel":"` + ch + `","auth":""}}`)
		wantTexts(t, "the user", c, succeeded(ch))
	}
	b.Send(subscribe(ch))
	wantTexts(t, "another user", b, unauthorized)
	s.Publish("x", ch, "e", "1")
	s.Publish("x", "#server-to-user-9", "e", "1") // nobody is here
	want := `{"event":"e","data":"1","channel":"` + ch + `"}`
	wantTexts(t, "a", a, want)
	wantTexts(t, "tab", tab, want)
	wantTexts(t, "b", b)

	a.Send(signIn(a, "x-secret", `{"id":"3"}`)) // as somebody else
	wantTexts(t, "a", a, signInSuccess(`{"id":"3"}`))
	s.Publish("x", ch, "e", "1")
	wantTexts(t, "a, as 3", a)
	wantTexts(t, "tab", tab, want)
	a.Send(subscribe(ch))
	wantTexts(t, "a, as 3", a, unauthorized)
}

// A signed-in user needs no channel_data on a presence channel, but a signature.
func TestPresenceOfSignedInUsers(t *testing.T) {
	s := newServer(t, asReverb)
	a, b := signedIn(s, "1"), signedIn(s, "2")
	a.Subscribe("x-secret", "presence-r", "")
	wantTexts(t, "a", a, joined("presence-r", `"count":1,"ids":["1"],"hash":{"1":{"n":"1"}}`))
	b.Send(subscribe("presence-r"))
	wantTexts(t, "b without a signature", b, unauthorized)
	b.Subscribe("x-secret", "presence-r", "")
	wantTexts(t, "b", b, joined("presence-r", `"count":2,"ids":["1","2"],"hash":{"1":{"n":"1"},"2":{"n":"2"}}`))
	wantTexts(t, "a", a, internal("pusher_internal:member_added", `{"user_id":"2","user_info":{"n":"2"}}`, "presence-r"))
	b.Subscribe("x-secret", "presence-r", "") // again
	b.Received()
	b.Drop()
	wantTexts(t, "a", a, internal("pusher_internal:member_removed", `{"user_id":"2"}`, "presence-r"))
}

func TestRequireSignIn(t *testing.T) {
	for name, tt := range map[string]struct {
		do   func(c *appstest.Client)
		code int
	}{
		"nothing":          {func(*appstest.Client) {}, 4009},
		"a public channel": {func(c *appstest.Client) { c.Send(subscribe("news")) }, 4009},
		"a refusal":        {func(c *appstest.Client) { c.Send(subscribe("private-a")) }, 4009},
		"a sign-in":        {func(c *appstest.Client) { c.Send(signIn(c, "x-secret", `{"id":"1"}`)) }, 0},
		"a private one":    {func(c *appstest.Client) { c.Subscribe("x-secret", "private-a", "") }, 0},
		"a presence one":   {func(c *appstest.Client) { c.Subscribe("x-secret", "presence-a", `{"user_id":"1"}`) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, func(a *apps.Settings) { a.RequireSignIn = 10 * time.Second })
			c := s.Connect("x")
			tt.do(c)
			s.Advance(9 * time.Second)
			c.Received()
			wantClosed(t, "before", c, 0)
			s.Advance(3 * time.Second)
			wantClosed(t, "after", c, tt.code)
			if tt.code != 0 {
				wantTexts(t, "after", c, signInTimeout)
			}
		})
	}
}

// A client is told at once who is online, then of every change; a user who comes back within three seconds was never away.
func TestWatchlist(t *testing.T) {
	s := newServer(t)
	two := signedIn(s, "2")
	one := s.Connect("x")
	data := `{"id":"1","watchlist":["2","3",4,"2","1"]}`
	one.Send(signIn(one, "x-secret", data))
	wantTexts(t, "one", one, signInSuccess(data), watchlist([]string{"2", "1"}, []string{"3", "4"}))

	three := signedIn(s, "3")
	wantTexts(t, "one", one, watchlist([]string{"3"}, nil))
	tab := signedIn(s, "3")
	wantTexts(t, "one, of a second tab", one)
	three.Drop()
	s.Advance(5 * time.Second)
	wantTexts(t, "one, of a tab that stays", one)

	tab.Drop()
	s.Advance(2 * time.Second)
	wantTexts(t, "one, too early", one)
	again := signedIn(s, "3")
	s.Advance(5 * time.Second)
	wantTexts(t, "one, of a page that was loaded again", one)

	again.Drop()
	two.Drop()
	s.Advance(2900 * time.Millisecond)
	wantTexts(t, "one, too early", one)
	late := signedIn(s, "9", "3")
	s.Advance(100 * time.Millisecond)
	wantTexts(t, "one", one, watchlist(nil, []string{"3"}), watchlist(nil, []string{"2"}))
	wantTexts(t, "late", late, watchlist(nil, []string{"3"}))

	one.Send(signIn(one, "x-secret", `{"id":"1","watchlist":["9"]}`)) // another list
	wantTexts(t, "one", one, signInSuccess(`{"id":"1","watchlist":["9"]}`), watchlist([]string{"9"}, nil))
	signedIn(s, "3")
	wantTexts(t, "one, of whom it does not watch any more", one)
	one.Drop()
	late.Drop()
	s.Advance(time.Minute)
	if w := s.Call("x", "GET", "/apps/x-id/channels", ""); w.Body.String() != `{"channels":{}}` {
		t.Errorf("what the server keeps for itself is a channel: %s", w.Body)
	}
}

func TestWatchlistLimit(t *testing.T) {
	s := newServer(t)
	ids := make([]string, 101)
	for i := range ids {
		ids[i] = fmt.Sprint(i)
	}
	for n, want := range map[int]int{100: 2, 101: 2} {
		c := s.Connect("x")
		c.Send(signIn(c, "x-secret", `{"id":"1","watchlist":["`+strings.Join(ids[:n], `","`)+`"]}`))
		got := c.Received()
		if len(got) != want || strings.Contains(got[1], `"code":4302`) != (n > 100) {
			t.Errorf("with %d users: %q", n, got)
		}
		c.Drop()
	}
}

// The names of the server's own channels are refused from outside.
func TestOnlineChannelIsHidden(t *testing.T) {
	s := newServer(t)
	one, c := signedIn(s, "1"), s.Connect("x")
	c.Send(`{"event":"pusher:subscribe","data":{"channel":"\u0001online-1"}}`)
	wantTexts(t, "client", c, invalidFormat)
	if w := s.Call("x", "POST", "/apps/x-id/events", `{"name":"e","channel":"\u0001online-1","data":"1"}`); w.Code != 422 {
		t.Errorf("publishing: %d %s", w.Code, w.Body)
	}
	for path, want := range map[string]string{"/channels/%01online-1": `{"occupied":false}`, "/channels/%01online-1/users": `{}`} {
		if w := s.Call("x", "GET", "/apps/x-id"+path, ""); w.Body.String() != want {
			t.Errorf("%s: %s", path, w.Body)
		}
	}
	wantTexts(t, "one", one)
}

func TestUserAPI(t *testing.T) {
	s := newServer(t)
	signed, member, other := signedIn(s, "a/b c", "other"), s.Connect("x"), signedIn(s, "other")
	signed.Subscribe("x-secret", "private-a", "")
	signed.Send(subscribe("news"))
	member.Subscribe("x-secret", "presence-r", `{"user_id":"a/b c"}`)
	member.Send(subscribe("news"))
	other.Subscribe("x-secret", "private-a", "")
	for _, c := range []*appstest.Client{signed, member, other} {
		c.Received()
	}
	call := func(method, path, body, want string) {
		t.Helper()
		if w := s.Call("x", method, "/apps/x-id/users/"+path, body); w.Body.String() != want {
			t.Errorf("%s %s: %d %s", method, path, w.Code, w.Body)
		}
	}
	const about = `{"online":true,"connections":2,"channels":["news","presence-r","private-a"]}`
	call("GET", "a%2Fb%20c", "", about)
	call("GET", "a/b%20c", "", about)
	call("GET", "nobody", "", `{"online":false,"connections":0,"channels":[]}`)
	call("GET", "a/reconnect", "", "Method not allowed.")
	call("POST", "a", "", "Method not allowed.")

	call("POST", "a/b%20c/unsubscribe", `{"channels":["private-*","news","*online*"]}`, "{}")
	const ended = "The app has ended the subscription."
	wantTexts(t, "signed", signed, subscriptionError("news", ended, "403"), subscriptionError("private-a", ended, "403"))
	wantTexts(t, "member", member, subscriptionError("news", ended, "403"))
	wantTexts(t, "other", other)
	call("GET", "a%2Fb%20c", "", `{"online":true,"connections":2,"channels":["presence-r"]}`)
	call("POST", "a/unsubscribe", `{}`, `{"channels":["The channels field is required."]}`)
	call("POST", "a/unsubscribe", `{"channels":"a"}`, `{"channels":["The channels field must be an array."]}`)
	call("POST", "a/unsubscribe", `{"channels":[1]}`, `{"channels.0":["The channels.0 field must be a string."]}`)
	call("POST", "a/unsubscribe", `x`, `{"error":"the body is not JSON"}`)

	call("POST", "a/b%20c/reconnect", "", "{}")
	wantClosed(t, "signed", signed, 4200)
	wantClosed(t, "member", member, 4200)
	wantClosed(t, "other", other, 0)
	again := signedIn(s, "a/b c")
	call("POST", "a/b%20c/terminate_connections", "", "{}")
	wantClosed(t, "again", again, 4009)
	wantClosed(t, "other", other, 0)
}

// Node's library sends the id as it is.
func TestUserOfThePathIsNotEncoded(t *testing.T) {
	s := newServer(t)
	for _, id := range []string{"a/b/c", "100%", "a/reconnect", "ü", "a:b@c"} {
		c := signedIn(s, id)
		path := "/apps/x-id/users/" + id + "/terminate_connections"
		r := httptest.NewRequest("POST", "/", nil)
		r.RequestURI = path + "?" + pusher.SignQuery("x-key", "x-secret", "POST", path, nil, nil, s.Now())
		if w := s.Do(r); w.Code != 200 {
			t.Errorf("%s: %d %s", id, w.Code, w.Body)
		}
		wantClosed(t, id, c, 4009)
	}
}

func TestSubscriptionCount(t *testing.T) {
	s := newServer(t, func(a *apps.Settings) { a.SubscriptionCount = true })
	count := func(channel, n string) string {
		return internal("pusher_internal:subscription_count", `{"subscription_count":`+n+`}`, channel)
	}
	a, b, c := s.Connect("x"), s.Connect("x"), s.Connect("x")
	a.Send(subscribe("news"), subscribe("cache-a"))
	a.Subscribe("x-secret", "presence-a", `{"user_id":"1"}`)
	a.Received()
	s.Advance(100 * time.Millisecond)
	got := strings.Join(a.Received(), "\n")
	if !strings.Contains(got, count("news", "1")) || !strings.Contains(got, count("cache-a", "1")) || strings.Contains(got, "presence-a") {
		t.Errorf("the first was told %s", got)
	}
	b.Send(subscribe("news"))
	c.Send(subscribe("news"))
	c.Drop()
	c = s.Connect("x")
	c.Send(subscribe("news"))
	for _, client := range []*appstest.Client{a, b, c} {
		client.Received()
	}
	s.Advance(900 * time.Millisecond)
	wantTexts(t, "a, within the second", a)
	s.Advance(100 * time.Millisecond)
	for _, client := range []*appstest.Client{a, b, c} {
		wantTexts(t, "client", client, count("news", "3"))
	}
	b.Drop()
	c.Drop()
	s.Advance(time.Second)
	wantTexts(t, "a", a, count("news", "1"))
	s.Connect("x").Send(subscribe("cache-a"))
	if w := s.Call("x", "GET", "/apps/x-id/channels/cache-a?info=cache", ""); w.Body.String() != `{"occupied":true}` {
		t.Errorf("a count was cached: %s", w.Body)
	}
}
