package apps_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"reverbd/apps"
	"reverbd/apps/appstest"
	"reverbd/protocol/pusher"
)

func subscriptionError(channel, message, status string) string {
	return `{"event":"pusher:subscription_error","data":{"type":"AuthError","error":"` + message + `","status":` + status + `},"channel":"` + channel + `"}`
}

// A refused subscription is told on its channel too, and a message that names no channel is not.
func TestSubscriptionError(t *testing.T) {
	c := newServer(t).Connect("x")
	c.Send(subscribe("private-a"))
	wantTexts(t, "client", c, unauthorized, subscriptionError("private-a", "Connection is unauthorized", "401"))
	c.Subscribe("x-secret", "presence-a", `{"user_info":{}}`)
	wantTexts(t, "client", c, noUserID, subscriptionError("presence-a", "Presence channels need channel_data with a user_id.", "401"))
	c.Send(`{"event":"pusher:subscribe","data":{"channel":""}}`, `{"event":"client-x","channel":"a"}`)
	wantTexts(t, "client", c, invalidFormat, notMember)
}

// The previous secret verifies what clients and servers have signed, and no other does.
func TestPreviousSecret(t *testing.T) {
	s := newServer(t, asReverb, func(a *apps.Settings) { a.PreviousSecret = "old-secret" })
	for secret, ok := range map[string]bool{"x-secret": true, "old-secret": true, "other-secret": false, "": false} {
		c := s.Connect("x")
		c.Subscribe(secret, "private-a", "")
		want, status := unauthorized, http.StatusUnauthorized
		if ok {
			want, status = succeeded("private-a"), http.StatusOK
		}
		wantTexts(t, "with "+secret, c, want)
		signed := pusher.SignQuery("x-key", secret, "GET", "/apps/x-id/channels", nil, nil, s.Now())
		if got := s.Do(httptest.NewRequest("GET", "/apps/x-id/channels?"+signed, nil)); got.Code != status {
			t.Errorf("a request signed with %q: %d", secret, got.Code)
		}
	}
}

func TestCheckAuthKey(t *testing.T) {
	s := newServer(t, asReverb, func(a *apps.Settings) { a.CheckAuthKey = true })
	c := s.Connect("x")
	for key, ok := range map[string]bool{"x-key:": true, "": true, "y-key:": false, ":": false} {
		c.Send(`{"event":"pusher:subscribe","data":{"channel":"private-a","auth":"` + key + pusher.ChannelSignature("x-secret", c.ID(), []byte("private-a"), nil) + `"}}`)
		want := unauthorized
		if ok {
			want = succeeded("private-a")
		}
		wantTexts(t, "with the key "+key, c, want)
	}
	for key, status := range map[string]int{"x-key": 200, "y-key": 401, "": 200} {
		signed := pusher.SignQuery(key, "x-secret", "GET", "/apps/x-id/channels", nil, nil, s.Now())
		if got := s.Do(httptest.NewRequest("GET", "/apps/x-id/channels?"+signed, nil)); got.Code != status {
			t.Errorf("auth_key=%s: %d, want %d", key, got.Code, status)
		}
	}
}

// accept_client_events_from: private is Pusher's rule.
func TestClientEventsFromPrivate(t *testing.T) {
	const wrongKind = `{"event":"pusher:error","data":{"code":4301,"message":"Client events are only supported on private and presence channels."}}`
	s := newServer(t, func(a *apps.Settings) { a.AcceptClientEventsFrom = apps.ClientEventsFromPrivate })
	for channel, want := range map[string]string{
		"news": wrongKind, "cache-news": wrongKind, "private-encrypted-a": wrongKind, "private-encrypted-cache-a": wrongKind, "#server-to-user-1": wrongKind,
		"private-a": "", "private-cache-a": "", "presence-a": "", "presence-cache-a": "",
	} {
		a, b := s.Connect("x"), s.Connect("x")
		whisper := `{"event":"client-x","channel":"` + channel + `","data":1}`
		a.Send(whisper)
		if want == "" {
			wantTexts(t, "stranger to "+channel, a, notMember)
		} else {
			wantTexts(t, "stranger to "+channel, a, want)
		}
		a.Subscribe("x-secret", channel, `{"user_id":"1"}`)
		b.Subscribe("x-secret", channel, `{"user_id":"2"}`)
		a.Received()
		b.Received()
		a.Send(whisper)
		if want != "" {
			wantTexts(t, "sender on "+channel, a, want)
			wantTexts(t, "other on "+channel, b)
			continue
		}
		wantTexts(t, "sender on "+channel, a)
		wantTexts(t, "other on "+channel, b, `{"event":"client-x","channel":"`+channel+`","data":1,"user_id":"1"}`)
		a.Drop()
		b.Drop()
	}
}

// A user_id that the app has signed goes with client events on private channels too; on public ones nobody has signed it.
func TestUserIDOnPrivateChannels(t *testing.T) {
	s := newServer(t)
	for _, tt := range []struct{ channel, data, want string }{
		{"private-a", `{"user_id":7,"user_info":{}}`, `,"user_id":7`},
		{"private-a", `{"user_id":"u"}`, `,"user_id":"u"`},
		{"private-a", `{"n":1}`, ""},
		{"private-a", `[]`, ""},
		{"private-a", "", ""},
		{"public", `{"user_id":"u"}`, ""},
	} {
		a, b := s.Connect("x"), s.Connect("x")
		a.Subscribe("x-secret", tt.channel, tt.data)
		wantTexts(t, "a", a, succeeded(tt.channel))
		b.Subscribe("x-secret", tt.channel, "")
		b.Received()
		a.Send(`{"event":"client-x","channel":"` + tt.channel + `","data":1}`)
		wantTexts(t, tt.data, b, `{"event":"client-x","channel":"`+tt.channel+`","data":1`+tt.want+`}`)
		a.Subscribe("x-secret", tt.channel, "") // again, as nobody
		a.Send(`{"event":"client-x","channel":"` + tt.channel + `","data":1}`)
		wantTexts(t, "anonymous", b, `{"event":"client-x","channel":"`+tt.channel+`","data":1}`)
		a.Subscribe("x-secret", tt.channel, tt.data)
		a.Drop()
		b.Drop()
	}
}

// Events beyond the rate are refused and not delivered; later ones pass.
func TestMaxEventsPerSecond(t *testing.T) {
	s := newServer(t, func(a *apps.Settings) { a.MaxEventsPerSecond = 3 })
	c := s.Connect("x")
	c.Send(subscribe("a"))
	c.Received()
	const events, batches = "/apps/x-id/events", "/apps/x-id/batch_events"
	event := `{"name":"e","channel":"a","data":"1"}`
	batch := func(n int) string { return `{"batch":[` + strings.Repeat(event+",", n-1) + event + `]}` }
	steps := []struct {
		after         time.Duration
		path, body    string
		status, count int
	}{
		{0, events, event, 200, 1},
		{0, batches, batch(3), 429, 0}, // it would be the fourth
		{0, batches, batch(2), 200, 2},
		{0, events, event, 429, 0},
		{0, events, `{"name":"e"}`, 422, 0}, // costs nothing
		{400 * time.Millisecond, events, event, 200, 1},
		{0, events, event, 429, 0},
		{time.Second, batches, batch(10), 200, 10}, // more than the bucket holds passes when it is full
		{3 * time.Second, events, event, 200, 1},
	}
	for i, step := range steps {
		s.Advance(step.after)
		w := s.Call("x", "POST", step.path, step.body)
		if w.Code != step.status || (w.Header().Get("Retry-After") == "1") != (step.status == 429) {
			t.Errorf("step %d: %d %s, Retry-After %q; want %d", i, w.Code, w.Body, w.Header().Get("Retry-After"), step.status)
		}
		if got := len(c.Received()); got != step.count {
			t.Errorf("step %d: %d events, want %d", i, got, step.count)
		}
	}
}

func TestMaxEventsPerSecondIsOffAtFirst(t *testing.T) {
	s := appstest.New(t, appstest.Options{Apps: []apps.Settings{appstest.App("x")}})
	for range 1000 {
		s.Publish("x", "a", "e", "1")
	}
}
