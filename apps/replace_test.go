package apps_test

import (
	"net/http"
	"slices"
	"sync"
	"testing"

	"reverbd/apps"
	"reverbd/apps/appstest"
	"reverbd/broadcast"
)

func replace(t *testing.T, s *appstest.Server, settings ...apps.Settings) apps.Replacement {
	t.Helper()
	became, err := s.Registry.Replace(settings)
	if err != nil {
		t.Fatal(err)
	}
	s.Settle()
	return became
}

// What is configured as before is the same App; what has changed keeps its channels and its connections.
func TestReplaceKeepsWhatStays(t *testing.T) {
	s := appstest.New(t, appstest.Options{Apps: []apps.Settings{appstest.App("same"), appstest.App("other")}})
	same, other := s.Registry.ByID("same-id"), s.Registry.ByID("other-id")
	c := s.Connect("other")
	c.Send(subscribe("news"))
	c.Received()

	became := replace(t, s, appstest.App("other", func(a *apps.Settings) { a.Key = "new-key" }), appstest.App("same"), appstest.App("third"))
	if !slices.Equal(became.Added, []string{"third-id"}) || !slices.Equal(became.Changed, []string{"other-id"}) ||
		became.Removed != nil || became.Disabled != nil {
		t.Errorf("became %+v", became)
	}
	if s.Registry.ByID("same-id") != same {
		t.Error("an app with the same settings is another one")
	}
	if now := s.Registry.ByID("other-id"); now == other || now.Channels != other.Channels || now.Connections() != 1 {
		t.Error("an app with other settings has lost its channels or connections")
	}
	s.Publish("other", "news", "e", "1") // with the secret, which is the same
	wantTexts(t, "client", c, `{"event":"e","data":"1","channel":"news"}`)
	if c := s.Dial("/app/other-key", ""); c.Closed() != 4001 {
		t.Error("the old key still lets in")
	}
	if c := s.Dial("/app/new-key", ""); c.Closed() != 0 {
		t.Error("the new key does not let in")
	}
	if c.Drop(); s.Registry.ByID("other-id").Connections() != 1 {
		t.Error("the connection from before is not counted out")
	}
}

// New settings hold for the connections that are there.
func TestReplaceChangesSessions(t *testing.T) {
	s := newServer(t)
	c, other := s.Connect("x"), s.Connect("x")
	c.Send(subscribe("room"))
	other.Send(subscribe("room"))
	c.Received()
	other.Received()
	whisper := `{"event":"client-x","channel":"room","data":1}`

	replace(t, s, appstest.App("x", func(a *apps.Settings) {
		a.AcceptClientEventsFrom, a.MaxMessageSize = apps.ClientEventsFromNone, 77
	}))
	c.Send(whisper)
	wantTexts(t, "client", c,
		`{"event":"pusher:error","data":{"code":4301,"message":"The app does not have client messaging enabled."}}`)
	if got := c.Session.MaxMessageSize(); got != 77 {
		t.Errorf("messages may have %d bytes", got)
	}

	replace(t, s, appstest.App("x", func(a *apps.Settings) {
		a.RateLimit.Enabled, a.RateLimit.MaxAttempts, a.RateLimit.TerminateOnLimit = true, 1, true
	}))
	c.Send(whisper, whisper)
	wantClosed(t, "client", c, 4301)

	replace(t, s, appstest.App("x"))
	other.Received()
	other.Send(whisper, whisper, whisper)
	wantClosed(t, "the other", other, 0)
}

func TestReplaceClosesRemovedAndDisabled(t *testing.T) {
	names := []string{"stays", "removed", "disabled"}
	var settings []apps.Settings
	for _, n := range names {
		settings = append(settings, appstest.App(n))
	}
	s := appstest.New(t, appstest.Options{Apps: settings})
	const each = 150 // more than one turn of a loop closes
	clients := make(map[string][]*appstest.Client)
	for range each {
		for _, n := range names {
			c := s.Connect(n)
			c.Subscribe(n+"-secret", "presence-room", `{"user_id":"1"}`)
			c.Received()
			clients[n] = append(clients[n], c)
		}
	}
	s.Publish("removed", "cache-a", "e", "1")
	gone := s.Registry.ByID("removed-id")

	off := appstest.App("disabled", func(a *apps.Settings) { a.Disabled = true })
	became := replace(t, s, appstest.App("stays"), off)
	if !slices.Equal(became.Removed, []string{"removed-id"}) || !slices.Equal(became.Disabled, []string{"disabled-id"}) {
		t.Errorf("became %+v", became)
	}
	for n, code := range map[string]int{"stays": 0, "removed": 4001, "disabled": 4003} {
		for _, c := range clients[n] {
			wantClosed(t, n, c, code)
			if got := c.Received(); code != 0 && (len(got) != 1 || got[0] != told[code]) {
				t.Fatalf("%s was told %q", n, got)
			}
		}
	}
	if n := gone.Connections(); n != 0 {
		t.Errorf("the removed app has %d connections", n)
	}
	if got := gone.Channels.Channels(""); len(got) != 0 || gone.Channels.Channel([]byte("cache-a")).Last != nil {
		t.Errorf("the removed app has the channels %v", got)
	}
	if w := s.Call("removed", http.MethodGet, "/apps/removed-id/channels", ""); w.Code != http.StatusNotFound {
		t.Errorf("its API answers %d", w.Code)
	}
	if w := s.Call("disabled", http.MethodGet, "/apps/disabled-id/channels", ""); w.Code != http.StatusForbidden ||
		w.Body.String() != "Application disabled." {
		t.Errorf("the API of a disabled app answers %d %s", w.Code, w.Body)
	}
	refused := s.Dial("/app/disabled-key", "")
	wantTexts(t, "a new client of a disabled app", refused, told[4003])
	wantClosed(t, "a new client of a disabled app", refused, 4003)

	replace(t, s, appstest.App("stays"), appstest.App("disabled"), appstest.App("removed"))
	for _, n := range names {
		s.Connect(n)
	}
	if got := s.Registry.ByID("removed-id").Connections(); got != 1 {
		t.Errorf("an app that has come back has %d connections", got)
	}
}

var told = map[int]string{
	4001: `{"event":"pusher:error","data":{"code":4001,"message":"Application does not exist"}}`,
	4003: `{"event":"pusher:error","data":{"code":4003,"message":"Application disabled"}}`,
}

func TestReplaceChangesAllOrNothing(t *testing.T) {
	s := newServer(t)
	before := s.Registry.ByID("x-id")
	c := s.Connect("x")
	if _, err := s.Registry.Replace([]apps.Settings{appstest.App("new"), {ID: "broken"}}); err == nil {
		t.Fatal("no error")
	}
	s.Settle()
	if s.Registry.ByID("x-id") != before || s.Registry.ByID("new-id") != nil || c.Closed() != 0 {
		t.Error("an error has changed something")
	}
}

// Looking up while apps are replaced finds one or the other, never a mixture.
func TestReplaceWhileLookedUp(t *testing.T) {
	r, err := apps.NewRegistry(broadcast.NewHub(broadcast.Options{}), []apps.Settings{app("1", "a")})
	if err != nil {
		t.Fatal(err)
	}
	var readers sync.WaitGroup
	done := make(chan struct{})
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if a := r.ByID("1"); a == nil || a.Key != "a" && a.Key != "b" {
					t.Error("app 1 is not there")
					return
				}
			}
		})
	}
	for i := range 200 {
		key := []string{"a", "b"}[i%2]
		if _, err := r.Replace([]apps.Settings{app("1", key), app("2", "c"+key)}); err != nil {
			t.Error(err)
		}
	}
	close(done)
	readers.Wait()
}
