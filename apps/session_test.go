package apps_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"reverbd/apps"
	"reverbd/apps/appstest"
	"reverbd/protocol/ws"
)

func TestAccept(t *testing.T) {
	tests := []struct {
		name, prefix, path string
		want               bool
	}{
		{"an app", "", "/app/x-key", true},
		{"an unknown app is told after the upgrade", "", "/app/nobody", true},
		{"percent-encoded", "", "/app/x%2Dkey", true},
		{"with a prefix", "/ws", "/ws/app/x-key", true},
		{"without the prefix", "/ws", "/app/x-key", false},
		{"with a prefix that only begins alike", "/ws", "/wss/app/x-key", false},
		{"with a prefix that nobody configured", "", "/ws/app/x-key", false},
		{"a slash at the end", "", "/app/x-key/", false},
		{"an encoded slash", "", "/app/x%2Fkey", false},
		{"no key", "", "/app/", false},
		{"no slash", "", "/app", false},
		{"not an encoding", "", "/app/x%2", false},
		{"the API", "", "/apps/x-id/events", false},
		{"nothing", "", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := appstest.New(t, appstest.Options{Apps: []apps.Settings{appstest.App("x")}, Prefix: tt.prefix})
			if got := s.Sessions.Accept(tt.path) != nil; got != tt.want {
				t.Errorf("Accept(%q) with prefix %q = %v", tt.path, tt.prefix, got)
			}
		})
	}
}

func TestGreeting(t *testing.T) {
	s := newServer(t, func(a *apps.Settings) { a.ActivityTimeout = 17 * time.Second })
	c := s.Dial("/app/x-key", "")
	want := fmt.Sprintf(`{"event":"pusher:connection_established","data":"{\"socket_id\":\"%s\",\"activity_timeout\":17}"}`, c.ID())
	wantTexts(t, "client", c, want)
	if !regexp.MustCompile(`\A\d+\.\d+\z`).MatchString(c.ID().String()) {
		t.Errorf("socket id %s", c.ID())
	}
	// Whoever sends the event is greeted again, as by Reverb.
	c.Send(`{"event":"pusher:connection_established","data":{}}`)
	wantTexts(t, "client", c, want)
}

func TestMaxMessageSize(t *testing.T) {
	s := newServer(t, func(a *apps.Settings) { a.MaxMessageSize = 1234 })
	tests := []struct {
		name, path string
		want       int64
	}{
		{"of the app", "/app/x-key", 1234},
		{"of nobody: as little as there is, since 0 is no limit", "/app/nobody", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := s.Sessions.Accept(tt.path).MaxMessageSize(); got != tt.want {
				t.Errorf("MaxMessageSize = %d, want %d", got, tt.want)
			}
		})
	}
}

// Decision 1: a refusal refuses.
func TestDecision01Refusals(t *testing.T) {
	two := func(a *apps.Settings) { a.MaxConnections, a.AllowedOrigins = 2, []string{"allowed.test"} }
	tests := []struct {
		name, path, origin string
		before             int // connections
		text               string
		code               int
	}{
		{"unknown key", "/app/nobody", "https://allowed.test", 0, unknownApp, 4001},
		{"over quota", "/app/x-key", "https://allowed.test", 2, overQuota, 4004},
		{"over quota comes before the origin", "/app/x-key", "https://evil.test", 2, overQuota, 4004},
		{"forbidden origin", "/app/x-key", "https://evil.test", 0, badOrigin, 4009},
		{"missing origin", "/app/x-key", "", 0, badOrigin, 4009},
		{"origin null", "/app/x-key", "null", 0, badOrigin, 4009},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t, two)
			var present []*appstest.Client
			for range tt.before {
				present = append(present, s.Dial("/app/x-key", "https://allowed.test"))
			}
			c := s.Dial(tt.path, tt.origin)
			wantTexts(t, "refused client", c, tt.text)
			wantClosed(t, "refused client", c, tt.code)

			c.Send(subscribe("news"), `{"event":"pusher:ping"}`)
			wantTexts(t, "refused client, afterwards", c)
			if s.Registry.ByID("x-id").Channels.Channel([]byte("news")).Occupied() {
				t.Error("a refused client has subscribed")
			}
			if got := s.Registry.ByID("x-id").Connections(); got != tt.before {
				t.Errorf("%d connections are counted, want %d", got, tt.before)
			}
			c.Drop()
			for _, p := range present {
				wantClosed(t, "earlier client", p, 0)
			}
			if got := s.Registry.ByID("x-id").Connections(); got != tt.before {
				t.Errorf("%d connections are counted after the refused one has gone, want %d", got, tt.before)
			}
		})
	}
}

// Decision 3: every connection counts for max_connections, subscribed or not.
func TestDecision03QuotaCountsEveryConnection(t *testing.T) {
	s := newServer(t, func(a *apps.Settings) { a.MaxConnections = 2 })
	first, second := s.Connect("x"), s.Connect("x") // neither subscribes
	third := s.Dial("/app/x-key", "")
	wantClosed(t, "the third", third, 4004)
	first.Drop()
	fourth := s.Dial("/app/x-key", "")
	wantClosed(t, "the one in a free place", fourth, 0)
	second.Send(subscribe("news"))
	fifth := s.Dial("/app/x-key", "")
	wantClosed(t, "one too many again", fifth, 4004)
	second.Session.Gone(1000, "")
	second.Session.Gone(1000, "") // told twice, counted once
	s.Connect("x")
	wantClosed(t, "one too many at last", s.Dial("/app/x-key", ""), 4004)
}

// Decisions 3 and 4: who is silent is pinged after ping_interval and closed activity_timeout after that, to the second,
// subscribed or not.
func TestDecision04PingAndPrune(t *testing.T) {
	talk := func(text string) func(*appstest.Client) { return func(c *appstest.Client) { c.Send(text) } }
	type moment struct {
		after time.Duration // since the moment before
		do    func(*appstest.Client)
		want  []string // what has come when the moment is over
		frame bool     // a ping frame has come
		code  int
	}
	tests := []struct {
		name    string
		moments []moment
	}{
		{"never a word", []moment{
			{after: 19*time.Second + 999*time.Millisecond},
			{after: time.Millisecond, want: []string{ping}},
			{after: 6*time.Second + 999*time.Millisecond},
			{after: time.Millisecond, want: []string{pongTimeout}, code: 4201},
			{after: time.Hour, code: 4201},
		}},
		{"subscribed and silent", []moment{
			{do: talk(subscribe("news")), want: []string{succeeded("news")}},
			{after: 20 * time.Second, want: []string{ping}},
			{after: 7 * time.Second, want: []string{pongTimeout}, code: 4201},
		}},
		{"a pong at the last moment, and again", []moment{
			{after: 20 * time.Second, want: []string{ping}},
			{after: 6*time.Second + 999*time.Millisecond, do: talk(`{"event":"pusher:pong","data":{}}`)},
			{after: 19*time.Second + 999*time.Millisecond},
			{after: time.Millisecond, want: []string{ping}},
			{after: 7 * time.Second, want: []string{pongTimeout}, code: 4201},
		}},
		{"anything is a sign of life, even nonsense", []moment{
			{after: 15 * time.Second, do: talk("nonsense"), want: []string{invalidFormat}},
			{after: 19 * time.Second},
			{after: time.Second, want: []string{ping}},
			{after: time.Second, do: talk("{}"), want: []string{invalidFormat}},
			{after: 19 * time.Second},
			{after: time.Second, want: []string{ping}},
		}},
		{"who uses control frames is pinged with one", []moment{
			{after: 5 * time.Second, do: func(c *appstest.Client) { c.Control(ws.OpPing) }},
			{after: 19 * time.Second},
			{after: time.Second, frame: true},
			{after: time.Second, do: func(c *appstest.Client) { c.Control(ws.OpPong) }},
			{after: 19 * time.Second},
			{after: time.Second, frame: true},
			{after: time.Second, do: talk(`{"event":"pusher:ping"}`), want: []string{pong}},
			{after: 20 * time.Second, frame: true},
			{after: 7 * time.Second, want: []string{pongTimeout}, code: 4201},
		}},
		{"a control frame answers a ping event, and is what comes from then on", []moment{
			{after: 20 * time.Second, want: []string{ping}},
			{after: time.Second, do: func(c *appstest.Client) { c.Control(ws.OpPong) }},
			{after: 20 * time.Second, frame: true},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t, func(a *apps.Settings) { a.PingInterval, a.ActivityTimeout = 20*time.Second, 7*time.Second })
			c := s.Connect("x")
			for i, m := range tt.moments {
				s.Advance(m.after)
				if m.do != nil {
					m.do(c)
				}
				wantTexts(t, fmt.Sprintf("moment %d:", i), c, m.want...)
				wantClosed(t, fmt.Sprintf("moment %d:", i), c, m.code)
				if got := c.Pings(); (got == 1) != m.frame || got > 1 {
					t.Errorf("moment %d: %d ping frames", i, got)
				}
			}
		})
	}
}

// Decision 4 for what the others see: a pruned member has left.
func TestDecision04PrunedMembersLeave(t *testing.T) {
	s := newServer(t)
	a, b := s.Connect("x"), s.Connect("x")
	a.Subscribe("x-secret", "presence-r", `{"user_id":"a"}`)
	b.Subscribe("x-secret", "presence-r", `{"user_id":"b"}`)
	a.Received()
	for range 9 {
		s.Advance(10 * time.Second)
		a.Send(`{"event":"pusher:pong"}`)
	}
	wantClosed(t, "the silent one", b, 4201)
	wantTexts(t, "the other", a, internal("pusher_internal:member_removed", `{"user_id":"b"}`, "presence-r"))
}

// Decision 17: established connections are counted, subscribed or not.
func TestDecision17Connections(t *testing.T) {
	s := newServer(t, func(a *apps.Settings) { a.AllowedOrigins = []string{"ok.test"} })
	count := func(want string) {
		t.Helper()
		if w := s.Call("x", "GET", "/apps/x-id/connections", ""); w.Body.String() != want {
			t.Errorf("connections: %s, want %s", w.Body, want)
		}
	}
	count(`{"connections":0}`)
	a, b := s.Dial("/app/x-key", "http://ok.test"), s.Dial("/app/x-key", "http://ok.test")
	s.Dial("/app/x-key", "http://evil.test")
	s.Dial("/app/nobody", "")
	a.Send(subscribe("one"), subscribe("two"))
	count(`{"connections":2}`)
	b.Drop()
	count(`{"connections":1}`)
	s.Advance(2 * time.Minute) // pruned
	count(`{"connections":0}`)
}

func TestGoneEndsEverything(t *testing.T) {
	s := newServer(t)
	a, b := s.Connect("x"), s.Connect("x")
	a.Subscribe("x-secret", "presence-r", `{"user_id":"a"}`)
	b.Subscribe("x-secret", "presence-r", `{"user_id":"b"}`)
	b.Send(subscribe("news"))
	a.Received()
	b.Received()
	b.Drop()
	wantTexts(t, "a", a, internal("pusher_internal:member_removed", `{"user_id":"b"}`, "presence-r"))
	s.Publish("x", "news", "e", "1") // a write to b would panic
	s.Publish("x", "presence-r", "e", "1")
	b.Session.Send(nil)
	b.Session.Flush()
	b.Session.Close(4000, "")
	wantTexts(t, "b", b)
	if got := s.Registry.ByID("x-id").Channels.Channels(""); len(got) != 1 || got[0].Name != "presence-r" {
		t.Errorf("channels left: %v", got)
	}
}

// trace records what the operator is told.
type trace struct{ lines []string }

func (r *trace) Info(title, value string) { r.lines = append(r.lines, title+" "+value) }
func (r *trace) Message(title, value string, payload []byte) {
	r.lines = append(r.lines, title+" "+value+" "+string(payload))
}
func (r *trace) Error(text string) { r.lines = append(r.lines, text) }

func TestTrace(t *testing.T) {
	tr := &trace{}
	s := appstest.New(t, appstest.Options{Apps: []apps.Settings{appstest.App("x")}, Trace: tr})
	c := s.Connect("x")
	id := c.ID().String()
	c.Send(subscribe("news"), "nonsense", `{"event":"client-x","channel":"news","data":{}}`)
	c.Control(ws.OpPing)
	s.Publish("x", "news", "e", "1")
	s.Advance(time.Minute)
	s.Advance(30 * time.Second)
	want := []string{
		"Connection Established " + id,
		"Message Received " + id + " " + subscribe("news"),
		"Message Handled " + id,
		"Message Received " + id + " nonsense",
		"Message from " + id + " resulted in a pusher error: Invalid message format",
		"Message Received " + id + ` {"event":"client-x","channel":"news","data":{}}`,
		`Broadcasting To news {"event":"client-x","channel":"news","data":{}}`,
		"Message Handled " + id,
		"Control Frame Received " + id,
		`Broadcasting To news {"event":"e","data":"1","channel":"news"}`,
		"Connection Pinged " + id,
		"Connection Pruned " + id,
		"Connection Closed " + id,
	}
	if !slices.Equal(tr.lines, want) {
		t.Errorf("traced\n%s\nwant\n%s", strings.Join(tr.lines, "\n"), strings.Join(want, "\n"))
	}
}
