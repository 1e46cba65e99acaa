package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	pusherhttp "github.com/pusher/pusher-http-go/v5"
)

// hookEvent is one event of a webhook, as Pusher's libraries for servers read it.
type hookEvent struct {
	Name     string `json:"name"`
	Channel  string `json:"channel"`
	UserID   string `json:"user_id"`
	Event    string `json:"event"`
	Data     string `json:"data"`
	SocketID string `json:"socket_id"`
	Count    int    `json:"subscription_count"`
	Code     int    `json:"code"`
}

func (e hookEvent) String() string {
	return strings.TrimSpace(e.Name + " " + e.Channel + " " + e.UserID)
}

// hooks is a receiver of webhooks that checks each one with Pusher's library for Go, and drops the repeats of those that it has.
type hooks struct {
	*httptest.Server
	t      *testing.T
	secret string

	mu      sync.Mutex
	seen    map[string][]byte // by X-Webhook-Id: the events
	list    []hookEvent
	repeats int
	refuse  func(n int) int // see refuses
	n       int
}

func newHooks(t *testing.T, secret string) *hooks {
	h := &hooks{t: t, secret: secret, seen: make(map[string][]byte)}
	h.Server = httptest.NewServer(h)
	t.Cleanup(h.Close)
	return h
}

func (h *hooks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	library := pusherhttp.Client{Key: appKey, Secret: h.secret}
	if _, err := library.Webhook(r.Header, body); err != nil || r.Header.Get("Content-Type") != "application/json" {
		h.t.Errorf("a webhook with the headers %v and the body %s: %v", r.Header, body, err)
	}
	var text struct {
		TimeMS int64           `json:"time_ms"`
		Events json.RawMessage `json:"events"`
	}
	var events []hookEvent
	if err := json.Unmarshal(body, &text); err != nil || json.Unmarshal(text.Events, &events) != nil {
		h.t.Errorf("%s: %v", body, err)
	}
	if age := time.Since(time.UnixMilli(text.TimeMS)); age > time.Minute || age < -time.Minute {
		h.t.Errorf("a webhook of %v ago", age)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	n := h.n
	h.n++
	if h.refuse != nil {
		if status := h.refuse(n); status != 0 {
			w.WriteHeader(status)
			return
		}
	}
	id := r.Header.Get("X-Webhook-Id")
	if known, again := h.seen[id]; again {
		if string(known) != string(text.Events) {
			h.t.Errorf("%s is %s, and was %s", id, text.Events, known)
		}
		h.repeats++
		return
	}
	h.seen[id] = text.Events
	for _, e := range events {
		if !strings.HasPrefix(e.Channel, "cluster-") { // by which nodes find out that they hear each other: see awaitCluster
			h.list = append(h.list, e)
		}
	}
}

// refuses says with which status the n-th request, from 0, is answered, 0 if it is taken; nil takes all.
func (h *hooks) refuses(refuse func(n int) int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refuse = refuse
}

// got is the events so far.
func (h *hooks) got() []hookEvent {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.list)
}

// names is the events so far as "name channel user", sorted: batches may overtake each other.
func (h *hooks) names() (names []string) {
	for _, e := range h.got() {
		names = append(names, e.String())
	}
	slices.Sort(names)
	return names
}

// await waits until exactly these events have come.
func (h *hooks) await(want ...string) {
	h.t.Helper()
	slices.Sort(want)
	for end := time.Now().Add(40 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		got := h.names()
		if slices.Equal(got, want) {
			return
		}
		if len(got) > len(want) || time.Now().After(end) {
			h.t.Fatalf("webhooks %q\nwant %q", got, want)
		}
	}
}
