package apps_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"reverbd/apps"
	"reverbd/broadcast"
	"reverbd/protocol/pusher"
	"reverbd/protocol/ws"
)

// A repeat is answered as the first, and delivers nothing, until the key expires.
func TestPublishingOnce(t *testing.T) {
	s := newServer(t, func(a *apps.Settings) { a.MaxEventsPerSecond = 3 })
	c := s.Connect("x")
	c.Send(subscribe("a"))
	c.Received()
	const path, batches = "/apps/x-id/events", "/apps/x-id/batch_events"
	event := func(fields string) string { return `{"name":"e","channel":"a","data":"1"` + fields + `}` }
	steps := []struct {
		after        time.Duration
		path, header string
		body, want   string
		events       int
	}{
		{0, path, "", event(`,"idempotency_key":"k","info":"subscription_count"`), `{"channels":{"a":{"subscription_count":1}}}`, 1},
		{0, path, "", event(`,"idempotency_key":"k"`), `{"channels":{"a":{"subscription_count":1}}}`, 0},
		{0, path, "", event(`,"idempotency\u005fkey":"k"`), `{"channels":{"a":{"subscription_count":1}}}`, 0},
		{0, path, "k", event(""), `{"channels":{"a":{"subscription_count":1}}}`, 0},
		{0, path, "k", event(`,"idempotency_key":"other"`), `{}`, 1},
		{0, path, "", `{"name":"e","idempotency_key":"refused"}`, "", 0},
		{0, path, "", event(`,"idempotency_key":"refused"`), `{}`, 1},
		{0, path, "", event(`,"idempotency_key":"limited"`), "", 0},
		{time.Second, path, "", event(`,"idempotency_key":"limited"`), `{}`, 1},
		{time.Second, batches, "", `{"batch":[` + event("") + `,` + event("") + `],"idempotency_key":"batch"}`, `{"batch":{}}`, 2},
		{0, batches, "batch", `{"batch":[` + event("") + `]}`, `{"batch":{}}`, 0},
		{0, path, "", event(`,"idempotency_key":""`), `{}`, 1},
		{time.Second, path, "", event(`,"idempotency_key":""`), `{}`, 1},
		{0, path, "", event(`,"idempotency_key":7`), `{}`, 1},
		{0, path, "", event(`,"idempotency_key":"7"`), `{}`, 0},
		{0, path, "", event(`,"idempotency_key":{}`), `{"idempotency_key":["The idempotency key field must be a string."]}`, 0},
		{0, path, strings.Repeat("x", 201), event(""), `{"idempotency_key":["The idempotency key field format is invalid."]}`, 0},
		{2 * time.Minute, path, "k", event(""), `{}`, 1},
	}
	for i, step := range steps {
		s.Advance(step.after)
		signed := pusher.SignQuery("x-key", "x-secret", "POST", step.path, nil, []byte(step.body), s.Now())
		r := httptest.NewRequest("POST", step.path+"?"+signed, strings.NewReader(step.body))
		r.Header.Set("X-Idempotency-Key", step.header)
		w := s.Do(r)
		if step.want != "" && w.Body.String() != step.want {
			t.Errorf("step %d: %d %s", i, w.Code, w.Body)
		}
		c.Control(ws.OpPing) // the clock has moved
		if got := len(c.Received()); got != step.events {
			t.Errorf("step %d: %d events, want %d", i, got, step.events)
		}
	}
}

// claimingBus is a bus that cannot say who is the first.
type claimingBus struct {
	failingBus
	published *int
}

func (b claimingBus) Claim(string, string, time.Duration) (bool, []byte, error) {
	return false, nil, errors.New("Redis is away")
}
func (b claimingBus) Settle(string, string, []byte, time.Duration) error { return nil }
func (b claimingBus) Forget(string, string)                              {}
func (b claimingBus) Publish(broadcast.Event)                            { *b.published++ }

// Where it cannot be decided whether an event is a repeat, nothing is published.
func TestPublishingOnceUndecided(t *testing.T) {
	published := 0
	hub := broadcast.NewHub(broadcast.Options{Bus: claimingBus{published: &published}})
	x := apps.DefaultSettings()
	x.ID, x.Key, x.Secret = "x-id", "x-key", "x-secret"
	registry, err := apps.NewRegistry(hub, []apps.Settings{x})
	if err != nil {
		t.Fatal(err)
	}
	api := &apps.API{Registry: registry}
	for body, want := range map[string]int{
		`{"name":"e","channel":"a","data":"1","idempotency_key":"k"}`: 503,
		`{"name":"e","channel":"a","data":"1"}`:                       200,
	} {
		w := httptest.NewRecorder()
		signed := pusher.SignQuery("x-key", "x-secret", "POST", "/apps/x-id/events", nil, []byte(body), time.Now())
		api.ServeHTTP(w, httptest.NewRequest("POST", "/apps/x-id/events?"+signed, strings.NewReader(body)))
		if w.Code != want || (w.Header().Get("Retry-After") != "") != (want == 503) {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
	if published != 1 {
		t.Errorf("%d events were published", published)
	}
}
