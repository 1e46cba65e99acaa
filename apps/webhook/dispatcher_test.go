package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A request is what Pusher's libraries for servers check.
func TestRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, newReceiver(t), Hook{URL: target + "?x=1", Events: Pushers, Headers: map[string]string{"x-token": "abc"}})
		began := time.Now()
		b.push(ChannelOccupied, "news", "")
		after(time.Second)
		got := b.got()
		if len(got) != 1 {
			t.Fatalf("%d requests", len(got))
		}
		q := got[0]
		if want := began.Add(batchTime); !q.at.Equal(want) {
			t.Errorf("sent after %v", q.at.Sub(began))
		}
		want := fmt.Sprintf(`{"time_ms":%d,"events":[{"name":"channel_occupied","channel":"news"}]}`, q.at.UnixMilli())
		if string(q.body) != want {
			t.Errorf("body %s, want %s", q.body, want)
		}
		mac := hmac.New(sha256.New, []byte("secret"))
		mac.Write(q.body)
		for name, want := range map[string]string{
			"Content-Type": "application/json", "X-Pusher-Key": "key", "X-Pusher-Signature": hex.EncodeToString(mac.Sum(nil)),
			"X-Token": "abc", "User-Agent": "reverbd",
		} {
			if got := q.header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		if len(q.header.Get("X-Webhook-Id")) != 32 || q.url != "/hook?x=1" {
			t.Errorf("id %q, URL %s", q.header.Get("X-Webhook-Id"), q.url)
		}
	})
}

// Fifty events go at once, fewer when the first has waited for half a second; what comes meanwhile goes with them.
func TestBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, newReceiver(t))
		for n := range 120 {
			b.push(ChannelOccupied, fmt.Sprint("c", n), "")
		}
		synctest.Wait()
		sizes := func() (sizes []int) {
			for _, q := range b.got() {
				sizes = append(sizes, len(q.events))
			}
			return sizes
		}
		if got := sizes(); !slices.Equal(got, []int{50, 50}) {
			t.Errorf("at once: batches of %v", got)
		}
		after(300 * time.Millisecond)
		b.push(ChannelOccupied, "later", "")
		after(batchTime)
		if got := sizes(); !slices.Equal(got, []int{50, 50, 21}) {
			t.Errorf("batches of %v", got)
		}
	})
}

// A departure is told three seconds later, and not at all if it is taken back by then.
func TestDepartures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, newReceiver(t))
		b.push(ChannelVacated, "reloaded", "")
		b.push(ChannelVacated, "left", "")
		b.push(MemberRemoved, "presence-a", "1")
		b.push(MemberRemoved, "presence-a", "2")
		after(holdTime - time.Millisecond)
		b.push(ChannelOccupied, "reloaded", "")
		b.push(MemberAdded, "presence-a", "1")
		b.push(MemberAdded, "presence-b", "2") // another channel
		after(10 * time.Second)
		want := []string{"member_added presence-b 2", "channel_vacated left", "member_removed presence-a 2"}
		if got := b.names(); !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
		// From here on it is as if nothing had been.
		b.push(ChannelVacated, "reloaded", "")
		after(10 * time.Second)
		if got := b.names(); got[len(got)-1] != "channel_vacated reloaded" {
			t.Errorf("told %q", got)
		}
		if s := b.Stats(); s.Waiting != 0 || s.Dropped != 0 || s.Sent != 4 {
			t.Errorf("%+v", s)
		}
	})
}

// Who is told of one side only is spared the returns all the same.
func TestDeparturesOfOneSide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, newReceiver(t), Hook{URL: target, Events: SetOf(ChannelOccupied)}, Hook{URL: target + "2", Events: SetOf(ChannelVacated)})
		b.push(ChannelOccupied, "a", "")
		after(time.Second)
		b.push(ChannelVacated, "a", "")
		after(time.Second)
		b.push(ChannelOccupied, "a", "")
		after(time.Minute)
		b.push(ChannelVacated, "a", "")
		after(time.Minute)
		if got := b.names(); !slices.Equal(got, []string{"channel_occupied a", "channel_vacated a"}) {
			t.Errorf("told %q", got)
		}
	})
}

func TestFilters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, newReceiver(t), Hook{URL: target, Events: SetOf(CacheMiss, MemberAdded, ConnectionOpened), Channels: []string{"presence-*", "cache-x"}})
		b.push(CacheMiss, "cache-x", "")
		b.push(CacheMiss, "cache-y", "")
		b.push(MemberAdded, "presence-room", "1")
		b.push(ClientEvent, "presence-room", "1")
		b.Push("app", Event{Kind: ConnectionOpened, At: time.Now(), Socket: 1<<32 | 2})
		b.Push("other", Event{Kind: CacheMiss, At: time.Now(), Channel: "cache-x"})
		after(time.Second)
		if got := b.names(); !slices.Equal(got, []string{"cache_miss cache-x", "member_added presence-room 1", "connection_opened "}) {
			t.Errorf("told %q", got)
		}
	})
}

// What is not taken is sent again, under the same id, signed anew.
func TestAgain(t *testing.T) {
	hang := func(_ int, _ http.ResponseWriter) { time.Sleep(5 * time.Second) }
	for name, answer := range map[string]func(int, http.ResponseWriter){
		"500":              func(_ int, w http.ResponseWriter) { w.WriteHeader(500) },
		"404":              func(_ int, w http.ResponseWriter) { w.WriteHeader(404) },
		"redirect":         func(_ int, w http.ResponseWriter) { w.Header().Set("Location", "/elsewhere"); w.WriteHeader(302) },
		"answer after 5 s": hang,
		"closed":           func(int, http.ResponseWriter) { panic(http.ErrAbortHandler) },
		"closed half-way": func(_ int, w http.ResponseWriter) {
			w.Header().Set("Content-Length", "10")
			_, _ = w.Write([]byte("half"))
			panic(http.ErrAbortHandler)
		},
		"slow in the answer": func(_ int, w http.ResponseWriter) {
			w.WriteHeader(200)
			w.(http.Flusher).Flush()
			time.Sleep(5 * time.Second)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newReceiver(t)
				r.answer = func(n int, w http.ResponseWriter) {
					if n < 2 {
						answer(n, w)
					}
				}
				b := newBench(t, r)
				b.push(MemberAdded, "presence-a", "1")
				after(time.Minute)
				got := b.got()
				if len(got) != 3 {
					t.Fatalf("%d requests", len(got))
				}
				for n := 1; n < 3; n++ {
					if got[n].header.Get(headerID) != got[0].header.Get(headerID) {
						t.Error("another id")
					}
					if got[n].timeMS <= got[n-1].timeMS || got[n].url != "/hook" {
						t.Errorf("time %d after %d, %s", got[n].timeMS, got[n-1].timeMS, got[n].url)
					}
					if got[n].header.Get(headerSignature) != sign("secret", got[n].body) {
						t.Error("signed wrongly")
					}
				}
				if s := b.Stats(); s.Waiting != 0 || s.Sent != 1 || s.Failed != 2 || s.Dropped != 0 {
					t.Errorf("%+v", s)
				}
				if b.logs.FilterMessageSnippet("not taken").Len() != 1 || b.logs.FilterMessageSnippet("taken again").Len() != 1 {
					t.Errorf("logged %v", b.logs.All())
				}
			})
		})
	}
}

// After five minutes a batch is given up; what came later is told.
func TestGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t)
		r.dead = true
		b := newBench(t, r)
		b.push(ChannelOccupied, "early", "")
		after(4 * time.Minute)
		b.push(ChannelOccupied, "late", "")
		after(3 * time.Minute)
		if s := b.Stats(); s.Dropped != 1 {
			t.Errorf("%+v", s)
		}
		r.kill(false)
		after(2 * time.Minute)
		if got := b.names(); !slices.Equal(got, []string{"channel_occupied late"}) {
			t.Errorf("told %q", got)
		}
		if s := b.Stats(); s.Waiting != 0 || s.Sent != 1 {
			t.Errorf("%+v", s)
		}
		if strings.Contains(fmt.Sprint(b.logs.All()), "secret") {
			t.Error("a secret is in the log")
		}
	})
}

// A URL that is gone is not called until the configuration is read again.
func TestGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t)
		r.answer = func(n int, w http.ResponseWriter) {
			if n == 0 {
				w.WriteHeader(http.StatusGone)
			}
		}
		hook := Hook{URL: target, Events: Pushers}
		b := newBench(t, r, hook)
		b.push(ChannelOccupied, "a", "")
		after(time.Second)
		b.push(ChannelOccupied, "b", "")
		after(10 * time.Minute)
		if n := len(b.got()); n != 1 {
			t.Errorf("%d requests", n)
		}
		b.Configure([]App{{ID: "app", Key: "key", Secret: "other", Hooks: []Hook{hook}}})
		b.push(ChannelOccupied, "c", "")
		after(time.Second)
		if got := b.names(); !slices.Equal(got, []string{"channel_occupied a", "channel_occupied c"}) {
			t.Errorf("told %q", got)
		}
		if q := b.got()[1]; q.header.Get(headerSignature) != sign("other", q.body) {
			t.Error("signed with the secret before")
		}
	})
}

// A channel whose batch is not taken holds up nothing but itself, and keeps its order.
func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t)
		r.answer = func(n int, w http.ResponseWriter) {
			if n < 3 {
				w.WriteHeader(503)
			}
		}
		b := newBench(t, r)
		b.push(ChannelOccupied, "stuck", "")
		after(600 * time.Millisecond)
		for n := range 3 {
			b.Push("app", Event{Kind: ClientEvent, At: time.Now(), Channel: "stuck", Name: fmt.Sprint("client-", n), Socket: 1<<32 | 1})
		}
		b.push(ChannelOccupied, "free", "")
		after(time.Minute)
		names := b.names()
		if free := slices.Index(names, "channel_occupied free"); free < 0 || free > slices.Index(names, "client_event stuck") {
			t.Errorf("told %q", names)
		}
		var events []string
		for _, q := range b.got() {
			for _, e := range q.events {
				if name, ok := e["event"].(string); ok {
					events = append(events, name)
				}
			}
		}
		if !slices.Equal(events, []string{"client-0", "client-1", "client-2"}) {
			t.Errorf("told of %q", events)
		}
	})
}

// A queue has a limit; what there is no room for is counted and told.
func TestFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t)
		r.dead = true
		b := newBenchWith(t, r, Options{QueueBytes: 10_000})
		for n := range 1000 {
			b.push(ChannelOccupied, fmt.Sprint("channel-", n), "")
			if n%10 == 0 {
				synctest.Wait() // the intake has the same limit
			}
		}
		after(time.Second)
		s := b.Stats()
		if s.Waiting > 10_000 || s.Waiting < 9_000 || s.Dropped < 900 {
			t.Errorf("%+v", s)
		}
		if b.logs.FilterMessageSnippet("dropped").Len() != 1 {
			t.Errorf("logged %v", b.logs.All())
		}
		after(time.Hour)
		if s := b.Stats(); s.Waiting != 0 || s.Dropped != 1000 {
			t.Errorf("%+v", s)
		}
	})
}

// Of the counts of a channel that go out together only the last one is told.
func TestCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, newReceiver(t), Hook{URL: target, Events: SetOf(SubscriptionCount)})
		for n := range 1000 {
			b.Push("app", Event{Kind: SubscriptionCount, At: time.Now(), Channel: "c", Count: n + 1})
		}
		after(time.Second)
		b.Push("app", Event{Kind: SubscriptionCount, At: time.Now(), Channel: "c", Count: 3})
		after(time.Second)
		got := b.got()
		if len(got) != 2 || len(got[0].events) != 1 || got[0].events[0]["subscription_count"] != 1000.0 || got[1].events[0]["subscription_count"] != 3.0 {
			t.Errorf("got %v", got)
		}
		if s := b.Stats(); s.Waiting != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// What a URL has yet to be told goes when the URL goes.
func TestConfigureWithout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver(t)
		r.dead = true
		b := newBench(t, r)
		b.push(ChannelOccupied, "a", "")
		b.push(ChannelVacated, "b", "")
		after(time.Second)
		b.Configure(nil)
		r.kill(false)
		after(10 * time.Minute)
		if got := b.got(); len(got) != 0 {
			t.Errorf("got %v", got)
		}
	})
}
