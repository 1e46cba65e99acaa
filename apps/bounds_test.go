package apps_test

import (
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"reverbd/apps"
	"reverbd/apps/appstest"
	"reverbd/broadcast/limitlog"
	"reverbd/protocol/pusher"
)

// Each limit is met with one more than it allows, and 0 is no limit.
func TestLimitsOfAPublish(t *testing.T) {
	limited := newServer(t, func(s *apps.Settings) {
		s.Limits = apps.Limits{ChannelsPerEvent: 2, EventsPerBatch: 2, EventName: 4, EventData: 6}
	})
	free := newServer(t, func(s *apps.Settings) { s.Limits = apps.Limits{} })
	item := func(name, data string) string { return `{"name":"` + name + `","data":"` + data + `","channel":"c"}` }
	for _, tc := range []struct{ path, within, beyond, want string }{
		{"events", `{"name":"e","data":"1","channels":["a","b"]}`, `{"name":"e","data":"1","channels":["a","b","c"]}`,
			`{"channels":["The channels field must not have more than 2 items."]}`},
		{"events", item("four", "1"), item("fives", "1"), `{"name":["The name field must not be greater than 4 bytes."]}`},
		{"events", item("e", "123456"), item("e", "1234567"), `{"data":["The data field must not be greater than 6 bytes."]}`},
		{"batch_events", `{"batch":[` + item("e", "1") + `,` + item("e", "1") + `]}`,
			`{"batch":[` + item("e", "1") + `,` + item("e", "1") + `,` + item("e", "1") + `]}`,
			`{"batch":["The batch field must not have more than 2 items."]}`},
		{"batch_events", `{"batch":[` + item("four", "1") + `]}`, `{"batch":[` + item("e", "1") + `,` + item("fives", "1") + `]}`,
			`{"batch.1.name":["The batch.1.name field must not be greater than 4 bytes."]}`},
	} {
		for _, body := range []string{tc.within, tc.beyond} {
			if r := free.Call("x", "POST", "/apps/x-id/"+tc.path, body); r.Code != 200 {
				t.Errorf("without limits %s is answered with %d %s", body, r.Code, r.Body)
			}
		}
		if r := limited.Call("x", "POST", "/apps/x-id/"+tc.path, tc.within); r.Code != 200 {
			t.Errorf("%s is answered with %d %s", tc.within, r.Code, r.Body)
		}
		wantReply(t, limited.Call("x", "POST", "/apps/x-id/"+tc.path, tc.beyond), 422, "application/json", tc.want)
	}
}

// The default refuses what no server library sends, and nothing else.
func TestDefaultLimits(t *testing.T) {
	want := apps.Limits{ChannelsPerEvent: 100, Subscriptions: 1000}
	if got := apps.DefaultSettings().Limits; got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// A message bag is bounded however many mistakes a request holds.
func TestMessagesAreBounded(t *testing.T) {
	s := newServer(t)
	r := s.Call("x", "POST", "/apps/x-id/batch_events", `{"batch":[1`+strings.Repeat(",1", 4000)+`]}`)
	if n := strings.Count(r.Body.String(), "field is required"); r.Code != 422 || n != 1000 {
		t.Errorf("%d with %d messages, want 422 with 1000", r.Code, n)
	}
}

// A connection that has all the subscriptions it may have is told, and keeps those; again and others may still be asked for.
func TestSubscriptionLimit(t *testing.T) {
	limits := limitlog.New(nil)
	s := newServer(t, asReverb, func(s *apps.Settings) { s.Limits.Subscriptions = 3 })
	s.Sessions.Limits = limits
	c, other := s.Connect("x"), s.Connect("x")
	for _, channel := range []string{"a", "b", "c"} {
		c.Send(subscribe(channel))
	}
	c.Received()
	for range 100 {
		c.Send(subscribe("d"))
	}
	got := c.Received()
	if want := `{"event":"pusher:error","data":{"code":4301,"message":"The connection has too many subscriptions"}}`; len(got) != 100 || got[99] != want {
		t.Fatalf("got %d messages, at last %q", len(got), got[len(got)-1])
	}
	if n := limits.Of(limitlog.Subscriptions); n != 100 {
		t.Errorf("%d are counted", n)
	}
	wantClosed(t, "it", c, 0)
	c.Send(subscribe("a")) // again
	c.Send(unsubscribe("b"))
	c.Send(subscribe("d"))
	other.Send(subscribe("e"))
	wantTexts(t, "it", c, `{"event":"pusher_internal:subscription_succeeded","data":"{}","channel":"a"}`,
		`{"event":"pusher_internal:subscription_succeeded","data":"{}","channel":"d"}`)
	if n := len(other.Received()); n != 1 {
		t.Errorf("another connection got %d messages", n)
	}
}

func TestPresenceLimits(t *testing.T) {
	s := newServer(t, asReverb, func(s *apps.Settings) { s.Limits.Members, s.Limits.UserInfo = 2, 12 })
	join := func(user, info string) (*appstest.Client, string) {
		c := s.Connect("x")
		c.Subscribe("x-secret", "presence-room", `{"user_id":"`+user+`","user_info":`+info+`}`)
		got := c.Received()
		return c, got[len(got)-1]
	}
	first, _ := join("1", `{}`)
	join("2", `{}`)
	const full = `{"event":"pusher:error","data":{"code":4301,"message":"The presence channel has too many members"}}`
	if _, got := join("3", `{}`); got != full {
		t.Errorf("a third user is told %s", got)
	}
	if _, got := join("2", `{}`); !strings.Contains(got, "subscription_succeeded") {
		t.Errorf("a second connection of a member is told %s", got)
	}
	if _, got := join("1", `{"a":"123456"}`); got != `{"event":"pusher:error","data":{"code":4301,"message":"The user_info of the member is too large"}}` {
		t.Errorf("a user_info of 14 bytes is told %s", got)
	}
	first.Drop()
	if _, got := join("3", `{}`); !strings.Contains(got, "subscription_succeeded") {
		t.Errorf("when there is room a third user is told %s", got)
	}
}

// A refused subscription is told on its channel, too.
func TestSubscriptionLimitIsToldOnTheChannel(t *testing.T) {
	c := newServer(t, func(s *apps.Settings) { s.Limits.Subscriptions = 1 }).Connect("x")
	c.Send(subscribe("a"))
	c.Received()
	c.Send(subscribe("b"))
	wantTexts(t, "it", c, `{"event":"pusher:error","data":{"code":4301,"message":"The connection has too many subscriptions"}}`,
		subscriptionError("b", "The connection has too many subscriptions", "403"))
}

// What a head alone shows: whom the request is for, when it was signed, and the signature for the body_md5 that it claims.
func TestRefuse(t *testing.T) {
	s := newServer(t)
	s.API.Tolerance = time.Minute
	const path = "/apps/x-id/events"
	body := []byte(`{"name":"e","data":"1","channel":"c"}`)
	query := pusher.SignQuery("x-key", "x-secret", "POST", path, nil, body, s.Now())
	forged := pusher.SignQuery("x-key", "another", "POST", path, nil, body, s.Now())
	old := pusher.SignQuery("x-key", "x-secret", "POST", path, nil, body, s.Now().Add(-time.Hour))
	_, claim, _ := strings.Cut(query, "body_md5=")
	unclaimed := strings.Replace(query, "body_md5="+claim[:32], "a=b", 1)
	for _, tc := range []struct {
		name, method, target string
		status               int // 0: it is not refused
	}{
		{"signed", "POST", path + "?" + query, 0},
		{"without body_md5, which the body alone can prove wrong", "POST", path + "?" + unclaimed, 0},
		{"up", "GET", "/up", 0},
		{"signed with another secret", "POST", path + "?" + forged, 401},
		{"not signed", "POST", path + "?body_md5=" + claim[:32], 401},
		{"another claim", "POST", path + "?" + strings.Replace(query, claim[:32], strings.Repeat("0", 32), 1), 401},
		{"too old", "POST", path + "?" + old, 401},
		{"another app", "POST", "/apps/nobody/events?" + query, 404},
		{"no route", "POST", "/nowhere", 404},
		{"another method", "PUT", path + "?" + query, 405},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			r := httptest.NewRequest(tc.method, tc.target, nil)
			if refused := s.API.Refuse(s.Hub.Loops()[0], w, r); refused != (tc.status != 0) {
				t.Fatalf("refused: %v, with %d %s", refused, w.Code, w.Body)
			} else if refused && w.Code != tc.status {
				t.Errorf("refused with %d, want %d", w.Code, tc.status)
			}
		})
	}
	// What passes is checked again with its body.
	r := httptest.NewRequest("POST", path+"?"+query, strings.NewReader(`{"name":"e","data":"2","channel":"c"}`))
	if w := s.Do(r); w.Code != 401 {
		t.Errorf("another body than the signed one is answered with %d", w.Code)
	}
}

// A large body is nothing for a loop.
func TestLargeBodiesAreNotImmediate(t *testing.T) {
	s := newServer(t)
	for size, want := range map[int]bool{32 << 10: true, 32<<10 + 1: false} {
		r := httptest.NewRequest("POST", "/apps/x-id/events", nil)
		r.Body = &whole{make([]byte, size)}
		if got := s.API.Immediate(r); got != want {
			t.Errorf("%d bytes: %v", size, got)
		}
	}
}

// An event for channels that nobody is subscribed to is not encoded, however many there are: the work is linear.
func TestUnheardChannelsCostNoFrame(t *testing.T) {
	s := newServer(t, asReverb, func(s *apps.Settings) { s.Limits.ChannelsPerEvent = 0 })
	c := s.Connect("x")
	c.Send(subscribe("c"))
	c.Received()
	data, channels := strings.Repeat("x", 1<<20), `"c"`+strings.Repeat(`,"nobody"`, 10_000)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r := s.Call("x", "POST", "/apps/x-id/events", `{"name":"e","data":"`+data+`","channels":[`+channels+`]}`)
	runtime.ReadMemStats(&after)
	if got := c.Received(); r.Code != 200 || len(got) != 1 {
		t.Errorf("%d, %d events", r.Code, len(got))
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 100<<20 { // a frame for each channel would be 10 GB
		t.Errorf("%d MB allocated", used>>20)
	}
}
