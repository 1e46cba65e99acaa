package apps_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"reverbd/apps"
	"reverbd/apps/appstest"
	"reverbd/broadcast"
	"reverbd/protocol/pusher"
)

func TestPublish(t *testing.T) {
	tests := []struct {
		name, body string
		reply      string
		one, two   []string // what a subscriber of "one", and one of "one" and "two", gets
	}{
		{
			"to one channel", `{"name":"e","channel":"one","data":"{\"a\":1}"}`, `{}`,
			[]string{`{"event":"e","data":"{\"a\":1}","channel":"one"}`}, []string{`{"event":"e","data":"{\"a\":1}","channel":"one"}`},
		},
		{
			"to several", `{"name":"e","channels":["two","none","one"],"data":"1"}`, `{}`,
			[]string{`{"event":"e","data":"1","channel":"one"}`},
			[]string{`{"event":"e","data":"1","channel":"two"}`, `{"event":"e","data":"1","channel":"one"}`},
		},
		{
			"channels wins over channel", `{"name":"e","channels":["two"],"channel":"one","data":"1"}`, `{}`,
			nil, []string{`{"event":"e","data":"1","channel":"two"}`},
		},
		{"channels may be empty beside a channel, and wins", `{"name":"e","channels":[],"channel":"one","data":"1"}`, `{}`, nil, nil},
		{
			"names and data as they were written", `{"name":"App\\Events\\X","channel":"\u006fne","data":"\u00e9\/"}`, `{}`,
			[]string{`{"event":"App\\Events\\X","data":"\u00e9\/","channel":"\u006fne"}`}, []string{`{"event":"App\\Events\\X","data":"\u00e9\/","channel":"\u006fne"}`},
		},
		{
			"but for the one that sent it", `{"name":"e","channels":["one","two"],"data":"1","socket_id":"{two}"}`, `{}`,
			[]string{`{"event":"e","data":"1","channel":"one"}`}, nil,
		},
		{
			"with info", `{"name":"e","channels":["one","two","none"],"data":"1","info":"subscription_count,user_count"}`,
			`{"channels":{"one":{"subscription_count":2},"two":{"subscription_count":1},"none":{}}}`,
			[]string{`{"event":"e","data":"1","channel":"one"}`},
			[]string{`{"event":"e","data":"1","channel":"one"}`, `{"event":"e","data":"1","channel":"two"}`},
		},
		{
			"with empty info", `{"name":"e","channel":"two","data":"1","info":""}`, `{"channels":{"two":{}}}`,
			nil, []string{`{"event":"e","data":"1","channel":"two"}`},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t)
			one, two := s.Connect("x"), s.Connect("x")
			one.Send(subscribe("one"))
			two.Send(subscribe("one"), subscribe("two"))
			one.Received()
			two.Received()
			body := strings.ReplaceAll(tt.body, "{two}", two.ID().String())
			wantReply(t, s.Call("x", "POST", "/apps/x-id/events", body), 200, "application/json", tt.reply)
			wantTexts(t, "one", one, tt.one...)
			wantTexts(t, "two", two, tt.two...)
		})
	}
}

func TestPublishBatch(t *testing.T) {
	s := newServer(t)
	c := s.Connect("x")
	c.Send(subscribe("one"))
	c.Subscribe("x-secret", "presence-two", `{"user_id":"9"}`)
	c.Received()
	tests := []struct {
		name, body, reply string
		want              []string
	}{
		{
			"in order", `{"batch":[{"name":"a","channel":"one","data":"1"},{"name":"b","channel":"presence-two","data":"2"},{"name":"c","channel":"one","data":"3"}]}`,
			`{"batch":{}}`,
			[]string{`{"event":"a","data":"1","channel":"one"}`, `{"event":"b","data":"2","channel":"presence-two"}`, `{"event":"c","data":"3","channel":"one"}`},
		},
		{
			"info for all", `{"batch":[{"name":"a","channel":"one","data":"1","info":"subscription_count"},{"name":"b","channel":"presence-two","data":"2","info":"user_count"}]}`,
			`{"batch":[{"subscription_count":1},{"user_count":1}]}`,
			[]string{`{"event":"a","data":"1","channel":"one"}`, `{"event":"b","data":"2","channel":"presence-two"}`},
		},
		{
			"info for one", `{"batch":[{"name":"a","channel":"one","data":"1"},{"name":"b","channel":"none","data":"2","info":"user_count"},{"name":"c","channel":"one","data":"3","info":"subscription_count"}]}`,
			`{"batch":[{},{},{"subscription_count":1}]}`,
			[]string{`{"event":"a","data":"1","channel":"one"}`, `{"event":"c","data":"3","channel":"one"}`},
		},
		{
			"without the sender", `{"batch":[{"name":"a","channel":"one","data":"1","socket_id":"` + c.ID().String() + `"},{"name":"b","channel":"one","data":"2"}]}`,
			`{"batch":{}}`,
			[]string{`{"event":"b","data":"2","channel":"one"}`},
		},
		{
			"more than ten", `{"batch":[{"name":"a","channel":"none","data":"1"}` + strings.Repeat(`,{"name":"a","channel":"none","data":"1"}`, 20) + `]}`,
			`{"batch":{}}`, nil,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wantReply(t, s.Call("x", "POST", "/apps/x-id/batch_events", tt.body), 200, "application/json", tt.reply)
			wantTexts(t, "client", c, tt.want...)
		})
	}
}

// failingBus takes nothing.
type failingBus struct{ err error }

func (b failingBus) Reserve(int, int) error                        { return b.err }
func (b failingBus) Release(int, int)                              {}
func (b failingBus) Publish(broadcast.Event)                       {}
func (b failingBus) Command(broadcast.Command) error               { return b.err }
func (b failingBus) MarkDirty(*broadcast.Directory, string)        {}
func (b failingBus) Query(broadcast.Query) []broadcast.QueryResult { return nil }

func TestPublishFails(t *testing.T) {
	tests := []struct {
		name       string
		err        error
		status     int
		body       string
		retryAfter string
	}{
		{"too much waits", broadcast.ErrOverloaded, 503, `{"error":"the server has too much waiting to be delivered; try again"}`, "1"},
		{"anything else", errors.New("broken"), 500, "Internal server error.", ""},
	}
	for _, tt := range tests {
		for _, route := range []string{"events", "batch_events", "users/1/terminate_connections"} {
			t.Run(tt.name+"/"+route, func(t *testing.T) {
				hub := broadcast.NewHub(broadcast.Options{Bus: failingBus{tt.err}})
				registry, err := apps.NewRegistry(hub, []apps.Settings{appstest.App("x")})
				if err != nil {
					t.Fatal(err)
				}
				api := &apps.API{Registry: registry}
				body := `{"name":"e","channel":"c","data":"1"}`
				if route == "batch_events" {
					body = `{"batch":[` + body + `]}`
				}
				path := "/apps/x-id/" + route
				query := pusher.SignQuery("k", "x-secret", "POST", path, nil, []byte(body), appstest.New(t, appstest.Options{}).Now())
				w := httptest.NewRecorder()
				api.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path+"?"+query, strings.NewReader(body)))
				contentType := plainText
				if tt.status == 503 {
					contentType = "application/json"
				}
				wantReply(t, w, tt.status, contentType, tt.body)
				if got := w.Header().Get("Retry-After"); got != tt.retryAfter {
					t.Errorf("Retry-After %q", got)
				}
			})
		}
	}
}

// On one of several nodes a publish that may ask for info waits for the others, so that it must not be answered on a loop. Text that is not
// ASCII, which PHP writes with escapes, asks for nothing.
func TestImmediateInCluster(t *testing.T) {
	hub := broadcast.NewHub(broadcast.Options{Bus: failingBus{}})
	hub.BusConnected()
	registry, err := apps.NewRegistry(hub, []apps.Settings{appstest.App("x")})
	if err != nil {
		t.Fatal(err)
	}
	api := &apps.API{Registry: registry}
	tests := []struct {
		name, body string
		want       bool
	}{
		{"no escapes", `{"name":"e","data":"1"}`, true},
		{"text that is not ASCII", `{"name":"e","data":"\u00e9\u6f22\ud83d\ude00"}`, true},
		{"info in the data", `{"name":"e","data":"{\"info\":1}"}`, true},
		{"info", `{"name":"e","info":"user_count"}`, false},
		{"info with an escape", `{"name":"e","\u0069nfo":"user_count"}`, false},
		{"info with another escape", `{"name":"e","inf\u006F":"user_count"}`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/apps/x-id/events", nil)
			r.Body = &whole{p: []byte(tt.body)}
			if got := api.Immediate(r); got != tt.want {
				t.Errorf("immediate: %v", got)
			}
		})
	}
}
