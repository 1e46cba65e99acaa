// Package appstest runs the applications of a server without a socket: clients are recording connections, the loops run
// when a test calls them, and the clock stands still until a test advances it. What package eventloop does with bytes, it does with
// messages, in the same order. Everything here runs on the goroutine of the test, except requests that may wait for the loops.
package appstest

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
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
	awake   []atomic.Bool // by loop: Drain has been asked for
	clients []*Client
	dialled int
	timers  []timer
}

// timer is a function that the hub wants to have called.
type timer struct {
	at time.Time
	f  func()
}

// New returns a server. Its clock begins at a whole second.
func New(t testing.TB, o Options) *Server {
	t.Helper()
	s := &Server{t: t, now: time.Unix(1_700_000_000, 0)}
	loops := o.Loops
	if loops == 0 {
		loops = 2
	}
	s.Hub = broadcast.NewHub(broadcast.Options{Loops: loops, CacheTTL: o.CacheTTL, CacheBytes: o.CacheBytes, Now: s.Now, After: s.after, Observer: o.Observer})
	s.awake = make([]atomic.Bool, loops)
	for i, l := range s.Hub.Loops() {
		wake := func() { s.awake[i].Store(true) }
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

// Advance moves the clock: the Check of every session, and what the hub wants later, is called when it is due.
func (s *Server) Advance(d time.Duration) {
	end := s.now.Add(d)
	for s.step(end) {
		s.Settle()
	}
	s.now = end
}

// step does what is due first until then, if anything is.
func (s *Server) step(end time.Time) bool {
	var next *Client
	for _, c := range s.clients {
		if c.open() && !c.due.After(end) && (next == nil || c.due.Before(next.due)) {
			next = c
		}
	}
	for i, t := range s.timers {
		if !t.at.After(end) && (next == nil || t.at.Before(next.due)) {
			s.timers = slices.Delete(s.timers, i, i+1)
			s.now = later(s.now, t.at)
			t.f()
			return true
		}
	}
	if next == nil {
		return false
	}
	s.now = later(s.now, next.due)
	next.check()
	return true
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// after is broadcast.Options.After: the timers are in order.
func (s *Server) after(d time.Duration, f func()) {
	s.timers = append(s.timers, timer{s.now.Add(d), f})
	slices.SortStableFunc(s.timers, func(a, b timer) int { return a.at.Compare(b.at) })
}

// Settle drains all loops until no work is left.
func (s *Server) Settle() {
	for busy := true; busy; {
		busy = false
		for i, l := range s.Hub.Loops() {
			if s.awake[i].CompareAndSwap(true, false) {
				busy = true
				l.Drain()
			}
		}
	}
}

// Do answers a request and delivers what it published.
func (s *Server) Do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	if s.API.Immediate(r) {
		s.API.ServeHTTP(w, r)
		s.Settle()
		return w
	}
	answered := make(chan struct{})
	go func() { // it may wait for the loops
		defer close(answered)
		s.API.ServeHTTP(w, r)
	}()
	for {
		s.Settle()
		select {
		case <-answered:
			s.Settle()
			return w
		default:
			runtime.Gosched()
		}
	}
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
