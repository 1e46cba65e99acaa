// Package appstest runs the applications of a server without a socket: clients are recording connections, the loops run
// when a test calls them, and the clock stands still until a test advances it. What package eventloop does with bytes, it does with
// messages, in the same order. Everything here runs on the goroutine of the test.
package appstest

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"reverbd/apps"
	"reverbd/broadcast"
	"reverbd/protocol/pusher"
)

// Options are what a test may configure. The zero value has no apps.
type Options struct {
	Apps       []apps.Settings
	Prefix     string        // "" or "/ws"
	Tolerance  time.Duration // of auth_timestamp; 0 is any
	Loops      int           // 0 is 2: clients are spread over them in turn
	CacheTTL   time.Duration
	CacheBytes int64
	Trace      apps.Trace
	Observer   broadcast.Observer
}

// Server is the apps, their channels and a clock.
type Server struct {
	Hub      *broadcast.Hub
	Registry *apps.Registry
	Sessions *apps.Sessions
	API      *apps.API

	t       testing.TB
	now     time.Time
	awake   []bool // by loop: Drain has been asked for
	clients []*Client
	dialled int
}

// New returns a server. Its clock begins at a whole second.
func New(t testing.TB, o Options) *Server {
	t.Helper()
	s := &Server{t: t, now: time.Unix(1_700_000_000, 0)}
	loops := o.Loops
	if loops == 0 {
		loops = 2
	}
	s.Hub = broadcast.NewHub(broadcast.Options{Loops: loops, CacheTTL: o.CacheTTL, CacheBytes: o.CacheBytes, Now: s.Now, Observer: o.Observer})
	s.awake = make([]bool, loops)
	for i, l := range s.Hub.Loops() {
		wake := func() { s.awake[i] = true }
		l.Attach(wake, wake)
	}
	registry, err := apps.NewRegistry(s.Hub, o.Apps)
	if err != nil {
		t.Fatal(err)
	}
	s.Registry = registry
	s.Sessions = &apps.Sessions{Registry: registry, Prefix: o.Prefix, Trace: o.Trace, Now: s.Now}
	s.API = &apps.API{Registry: registry, Prefix: o.Prefix, Tolerance: o.Tolerance, Trace: o.Trace, Now: s.Now}
	return s
}

// App returns the settings of a default app: its id, key and secret are name-id, name-key and name-secret.
func App(name string, change ...func(*apps.Settings)) apps.Settings {
	a := apps.DefaultSettings()
	a.ID, a.Key, a.Secret = name+"-id", name+"-key", name+"-secret"
	for _, f := range change {
		f(&a)
	}
	return a
}

// Now is the server's time.
func (s *Server) Now() time.Time { return s.now }

// Advance moves the clock: the Check of every session is called when it is due.
func (s *Server) Advance(d time.Duration) {
	end := s.now.Add(d)
	for {
		var next *Client
		for _, c := range s.clients {
			if c.open() && !c.due.After(end) && (next == nil || c.due.Before(next.due)) {
				next = c
			}
		}
		if next == nil {
			break
		}
		if next.due.After(s.now) {
			s.now = next.due
		}
		next.check()
		s.Settle()
	}
	s.now = end
}

// Settle drains all loops until no work is left.
func (s *Server) Settle() {
	for busy := true; busy; {
		busy = false
		for i, l := range s.Hub.Loops() {
			if s.awake[i] {
				s.awake[i], busy = false, true
				l.Drain()
			}
		}
	}
}

// Do answers a request and delivers what it published.
func (s *Server) Do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.API.ServeHTTP(w, r)
	s.Settle()
	return w
}

// Call is Do for a request that the app with that name (see App) signs now. target is the path without the prefix, with a
// query or none.
func (s *Server) Call(app, method, target, body string) *httptest.ResponseRecorder {
	s.t.Helper()
	path, rawQuery, _ := strings.Cut(target, "?")
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		s.t.Fatal(err)
	}
	signed := pusher.SignQuery(app+"-key", app+"-secret", method, path, query, []byte(body), s.now)
	return s.Do(httptest.NewRequest(method, s.API.Prefix+path+"?"+signed, strings.NewReader(body)))
}

// Publish is a call of the API that must succeed.
func (s *Server) Publish(app, channel, event, data string) {
	s.t.Helper()
	body := append([]byte(`{"name":`), pusher.AppendString(nil, event)...)
	body = pusher.AppendString(append(body, `,"channel":`...), channel)
	body = append(pusher.AppendString(append(body, `,"data":`...), data), '}')
	if w := s.Call(app, http.MethodPost, "/apps/"+app+"-id/events", string(body)); w.Code != http.StatusOK {
		s.t.Fatalf("publishing to %s: %d %s", channel, w.Code, w.Body)
	}
}
