package publish

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"reverbd/bench/internal/delivery"
	"reverbd/bench/internal/dialect"
	"reverbd/bench/internal/msgid"
)

// api is a server that remembers the ids of what was published.
type api struct {
	mu     sync.Mutex
	ids    []msgid.ID
	from   map[string]bool  // addresses of connections
	answer http.HandlerFunc // instead of 200, if it is set
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if a.answer != nil {
		a.answer(w, r)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.from == nil {
		a.from = map[string]bool{}
	}
	a.from[r.RemoteAddr] = true
	for {
		s, ok := msgid.Find(body)
		if !ok {
			break
		}
		a.ids = append(a.ids, s)
		body = body[bytes.IndexByte(body, '@')+msgid.Size:]
	}
	_, _ = io.WriteString(w, "{}")
}

// run publishes to a, whose server is closed at the end.
func run(t *testing.T, a *api, o Options) Outcome {
	t.Helper()
	server := httptest.NewServer(a)
	defer server.Close()
	address := netip.MustParseAddrPort(server.Listener.Addr().String())
	o.Server = address
	o.Streams = delivery.PublisherStreams(o.Channels, o.Publishers)
	o.Dialect = dialect.NewPusher(
		dialect.Target{Address: address, Host: address.String(), AppID: "1", Key: "k", Secret: "s"},
		dialect.Messages{Prefix: "bench-", Size: 100})
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	outcome, err := p.Run(ctx)
	if err != nil || ctx.Err() != nil {
		t.Fatal(err, ctx.Err())
	}
	return outcome
}

// TestEveryStreamCountsUp publishes in all ways, and looks at the numbers that arrived.
func TestEveryStreamCountsUp(t *testing.T) {
	for name, o := range map[string]Options{
		"back to back":               {Publishers: 1, Channels: 1, Batch: 1, Events: 50},
		"more channels":              {Publishers: 3, Channels: 10, Batch: 1, Events: 100},
		"more publishers":            {Publishers: 3, Channels: 2, Batch: 1, Events: 100},
		"batches, the last not full": {Publishers: 2, Channels: 3, Batch: 7, Events: 100},
		"at a rate":                  {Publishers: 3, Channels: 4, Batch: 1, Events: 100, Rate: 2000},
		"batches at a rate":          {Publishers: 2, Channels: 4, Batch: 10, Events: 95, Rate: 2000},
		"for a time":                 {Publishers: 2, Channels: 4, Batch: 1, Duration: 50 * time.Millisecond},
		"for a time at a rate":       {Publishers: 2, Channels: 4, Batch: 1, Duration: 50 * time.Millisecond, Rate: 1000},
	} {
		t.Run(name, func(t *testing.T) {
			a := &api{}
			outcome := run(t, a, o)
			if outcome.Failed > 0 || outcome.Published() != len(a.ids) || o.Events > 0 && outcome.Published() != o.Events {
				t.Fatalf("%d of %d events accepted, %d arrived, %d failed: %v",
					outcome.Published(), o.Events, len(a.ids), outcome.Failed, outcome.Reasons)
			}
			streams := map[uint32]*delivery.Tracker{}
			orders := make([]uint32, o.Publishers)
			for _, s := range a.ids {
				if streams[s.Stream] == nil {
					streams[s.Stream] = &delivery.Tracker{}
				}
				publisher := int(s.Stream) % o.Publishers
				if v := streams[s.Stream].See(s.Seq); v != delivery.InOrder || s.Order != orders[publisher]+1 {
					t.Fatalf("%+v is %v, after %d", s, v, orders[publisher])
				}
				orders[publisher]++
			}
		})
	}
}

// TestAtARateEventsAreDueAtTheRate looks at the times in the ids, which do not depend on when they were sent.
func TestAtARateEventsAreDueAtTheRate(t *testing.T) {
	a := &api{}
	run(t, a, Options{Publishers: 2, Channels: 2, Batch: 5, Events: 50, Rate: 1000})
	first, last := a.ids[0].Time, a.ids[0].Time
	for _, s := range a.ids {
		first, last = min(first, s.Time), max(last, s.Time)
	}
	if got, want := time.Duration(last-first), 45*time.Millisecond; got != want { // ten batches of 5, one each 5 ms
		t.Errorf("the last is due %v after the first, want %v", got, want)
	}
}

func TestFailuresAreCounted(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"refused": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusUnauthorized) },
		"cut off": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"one connection a request": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Connection", "close")
			w.WriteHeader(http.StatusInternalServerError)
		},
	} {
		outcome := run(t, &api{answer: answer}, Options{Publishers: 2, Channels: 1, Batch: 1, Events: 20})
		if outcome.Failed != 20 || outcome.Published() != 0 || len(outcome.Reasons) != 1 {
			t.Errorf("%s: %d failed, %d accepted: %v", name, outcome.Failed, outcome.Published(), outcome.Reasons)
		}
	}
	outcome := run(t, &api{answer: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }},
		Options{Publishers: 1, Channels: 1, Batch: 1, Events: 1_000_000})
	if outcome.Failed != maxFailures+1 {
		t.Errorf("it gave up after %d requests", outcome.Failed)
	}
}

func TestConnectionsAreMadeAgain(t *testing.T) {
	a := &api{}
	closing := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		a.ServeHTTP(w, r)
	})
	outcome := run(t, &api{answer: nil}, Options{Publishers: 1, Channels: 1, Batch: 1, Events: 3})
	if outcome.Published() != 3 {
		t.Errorf("%d accepted", outcome.Published())
	}
	outcome = run(t, &api{answer: closing}, Options{Publishers: 2, Channels: 1, Batch: 1, Events: 20})
	if outcome.Published() != 20 {
		t.Errorf("%d accepted, %d failed: %v", outcome.Published(), outcome.Failed, outcome.Reasons)
	}
}

// TestNewConnections has each request on a connection of its own, and fewer connections without that.
func TestNewConnections(t *testing.T) {
	for anew, want := range map[bool]int{true: 30, false: 3} {
		a := &api{}
		outcome := run(t, a, Options{Publishers: 3, Channels: 3, Batch: 1, Events: 30, NewConnections: anew})
		if outcome.Failed > 0 || len(a.ids) != 30 || len(a.from) != want {
			t.Errorf("new: %v: %d events on %d connections, want %d: %v", anew, len(a.ids), len(a.from), want, outcome.Reasons)
		}
	}
}
