package webhook

import (
	"context"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestCheckURL(t *testing.T) {
	for url, want := range map[string]string{
		"https://example.com/hook":       "",
		"http://10.0.0.1:8000/hook?t=1":  "",
		"http://[::1]/":                  "",
		"":                               "not a URL",
		"example.com/hook":               "not a URL",
		"ftp://example.com":              "not a URL",
		"https:///hook":                  "not a URL",
		"https://user:pw@example.com/":   "header Authorization",
		"https://example.com/hook#there": "fragment",
		"http://exa mple.com/":           "not a URL",
	} {
		if err := CheckURL(url); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v", url, err)
		}
	}
}

func TestCheckHeader(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"Authorization", "Bearer x", ""},
		{"X-Token", "", ""},
		{"x-pusher-key", "x", "part of every webhook"},
		{"content-type", "text/plain", "part of every webhook"},
		{"X Token", "x", "not the name"},
		{"", "x", "not the name"},
		{"X-Töken", "x", "not the name"},
		{"X-Token", "secret\r\nX-Other: 1", "cannot be sent"},
	} {
		err := CheckHeader(c.name, c.value)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%q: %v", c.name, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the value is in %q", err)
		}
	}
}

func TestKindNames(t *testing.T) {
	for k := range kindCount {
		if got, ok := ParseKind(k.String()); !ok || got != k {
			t.Errorf("%v", k)
		}
	}
	if _, ok := ParseKind("channel_exploded"); ok {
		t.Error("a kind that is none")
	}
}

// Texts that clients choose stay what they are in every kind of event, and an event is one JSON object.
func TestAppend(t *testing.T) {
	for want, e := range map[string]Event{
		`{"name":"channel_vacated","channel":"a\"b"}`:                                                                              {Kind: ChannelVacated, Channel: `a"b`},
		`{"name":"member_removed","channel":"presence-a","user_id":"1"}`:                                                           {Kind: MemberRemoved, Channel: "presence-a", User: "1"},
		`{"name":"cache_miss","channel":"cache-a"}`:                                                                                {Kind: CacheMiss, Channel: "cache-a", Socket: 1<<32 | 2},
		`{"name":"subscription_count","channel":"a","subscription_count":0}`:                                                       {Kind: SubscriptionCount, Channel: "a"},
		`{"name":"connection_opened","channel":"","socket_id":"1.2"}`:                                                              {Kind: ConnectionOpened, Socket: 1<<32 | 2},
		`{"name":"connection_closed","channel":"","code":4201,"reason":"Pong \"x\"","seconds":61,"socket_id":"1.2","user_id":"7"}`: {Kind: ConnectionClosed, Socket: 1<<32 | 2, Code: 4201, Reason: `Pong "x"`, Age: 61_900 * time.Millisecond, User: "7"},
		`{"name":"client_event","channel":"private-a","event":"client-x","data":"text","socket_id":"1.2"}`:                         {Kind: ClientEvent, Channel: "private-a", Name: "client-x", Data: []byte(` "text" `), Socket: 1<<32 | 2},
		`{"name":"client_event","channel":"private-a","event":"client-x","data":"null","socket_id":"1.2"}`:                         {Kind: ClientEvent, Channel: "private-a", Name: "client-x", Socket: 1<<32 | 2},
		`{"name":"client_event","channel":"private-a","event":"client-\u0007","data":"[1,\"2\"]","socket_id":"1.2"}`:               {Kind: ClientEvent, Channel: "private-a", Name: "client-\a", Data: []byte(`[1,"2"]`), Socket: 1<<32 | 2},
	} {
		if got := string(e.Append(nil)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// A receiver's certificate is verified, with the authorities that are given.
func TestClientVerifies(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }))
	server.Config.ErrorLog = nil
	server.StartTLS()
	defer server.Close()
	hook := &Hook{URL: server.URL}
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	trusting, other := Client(roots), Client(nil)
	defer trusting.CloseIdleConnections()
	if a, err := attempt(context.Background(), trusting, &App{}, hook, &Batch{}); err != nil || !a.Taken() {
		t.Errorf("with its authority: %v, %v", a, err)
	}
	_, err := attempt(context.Background(), other, &App{}, hook, &Batch{})
	if err == nil || !strings.Contains(err.Error(), "certificate") || strings.Contains(err.Error(), server.URL) {
		t.Errorf("without: %v", err)
	}
}
