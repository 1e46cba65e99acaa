package apps_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"reverbd/apps"
	"reverbd/apps/appstest"
	"reverbd/protocol/pusher"
)

const plainText = "text/plain; charset=utf-8"

// wantReply checks a whole response.
func wantReply(t *testing.T, w *httptest.ResponseRecorder, status int, contentType, body string) {
	t.Helper()
	if w.Code != status || w.Body.String() != body {
		t.Errorf("got %d %s\nwant %d %s", w.Code, w.Body, status, body)
	}
	if got := w.Header().Get("Content-Type"); got != contentType {
		t.Errorf("Content-Type %q, want %q", got, contentType)
	}
	if got, want := w.Header().Get("Cache-Control"), contentType == "application/json"; (got == "no-cache, private") != want {
		t.Errorf("Cache-Control %q of %s", got, contentType)
	}
	if got := w.Header().Get("Content-Length"); got != strconv.Itoa(len(body)) {
		t.Errorf("Content-Length %q of %d bytes", got, len(body))
	}
}

func TestRoutes(t *testing.T) {
	s := newServer(t)
	const notFound, notAllowed = "Not found.", "Method not allowed."
	const fallback = `The HTTP transports of pusher-js (xhr, sockjs) are not served. ` +
		`Set enabledTransports: ["ws", "wss"], and look for what keeps WebSockets from this server.`
	event := `{"name":"e","channel":"c","data":"1"}`
	tests := []struct {
		name, method, path, body string
		status                   int
		want                     string
	}{
		{"events", "POST", "/apps/x-id/events", event, 200, `{}`},
		{"batch_events", "POST", "/apps/x-id/batch_events", `{"batch":[` + event + `]}`, 200, `{"batch":{}}`},
		{"channels", "GET", "/apps/x-id/channels", "", 200, `{"channels":{}}`},
		{"channel", "GET", "/apps/x-id/channels/c", "", 200, `{"occupied":false}`},
		{"users", "GET", "/apps/x-id/channels/presence-c/users", "", 404, `{}`},
		{"connections", "GET", "/apps/x-id/connections", "", 200, `{"connections":0}`},
		{"terminate_connections", "POST", "/apps/x-id/users/1/terminate_connections", "", 200, `{}`},
		{"up", "GET", "/up", "", 200, `{"health":"OK"}`},
		{"an encoded channel", "GET", "/apps/x-id/channels/%23a%20b", "", 200, `{"occupied":false}`},
		{"an encoded route", "GET", "/apps/x-id/%63onnections", "", 200, `{"connections":0}`},

		{"nothing", "GET", "/", "", 404, notFound},
		{"nowhere", "GET", "/nope", "", 404, notFound},
		{"apps", "GET", "/apps", "", 404, notFound},
		{"an app", "GET", "/apps/x-id", "", 404, notFound},
		{"a slash at the end", "GET", "/apps/x-id/channels/", "", 404, notFound},
		{"a slash behind up", "GET", "/up/", "", 404, notFound},
		{"two slashes", "GET", "/apps//channels", "", 404, notFound},
		{"an encoded slash", "GET", "/apps/x-id/channels/a%2Fb", "", 404, notFound},
		{"more behind", "GET", "/apps/x-id/channels/c/users/1", "", 404, notFound},
		{"a user with a slash", "GET", "/apps/x-id/users/1/users", "", 200, `{"online":false,"connections":0,"channels":[]}`},
		{"no user", "GET", "/apps/x-id/users/", "", 404, notFound},
		{"a client's path without an upgrade", "GET", "/app/x-key", "", 404, notFound},
		{"a transport that is not served", "GET", "/pusher/app/x-key/1/a/xhr_streaming", "", 404, fallback},
		{"the same in a frame", "GET", "/pusher/iframe.html", "", 404, fallback},
		{"not from the beginning", "GET", "/x/up", "", 404, notFound},

		{"GET events", "GET", "/apps/x-id/events", "", 405, notAllowed},
		{"GET batch_events", "GET", "/apps/x-id/batch_events", "", 405, notAllowed},
		{"POST channels", "POST", "/apps/x-id/channels", "{}", 405, notAllowed},
		{"POST channel", "POST", "/apps/x-id/channels/c", "{}", 405, notAllowed},
		{"POST users", "POST", "/apps/x-id/channels/c/users", "{}", 405, notAllowed},
		{"POST connections", "POST", "/apps/x-id/connections", "{}", 405, notAllowed},
		{"GET terminate_connections", "GET", "/apps/x-id/users/1/terminate_connections", "", 405, notAllowed},
		{"HEAD where only POST is", "HEAD", "/apps/x-id/events", "", 405, notAllowed},
		{"OPTIONS", "OPTIONS", "/apps/x-id/events", "", 405, notAllowed},
		{"DELETE up", "DELETE", "/up", "", 405, notAllowed},
		{"the wrong method comes before the app", "GET", "/apps/nobody/events", "", 405, notAllowed},

		{"an unknown app", "GET", "/apps/nobody/channels", "", 404, "No matching application for ID [nobody]."},
		{"an app by its key", "GET", "/apps/x-key/channels", "", 404, "No matching application for ID [x-key]."},
		{"an encoded unknown app", "GET", "/apps/%3Cb%3E/channels", "", 404, "No matching application for ID [<b>]."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := s.Call("x", tt.method, tt.path, tt.body)
			contentType := plainText
			if strings.HasPrefix(tt.want, "{") {
				contentType = "application/json"
			}
			if tt.method == "HEAD" {
				if w.Code != tt.status || w.Body.Len() != 0 {
					t.Errorf("got %d %q", w.Code, w.Body)
				}
				return
			}
			wantReply(t, w, tt.status, contentType, tt.want)
			if allow := w.Header().Get("Allow"); (allow != "") != (tt.status == 405) {
				t.Errorf("Allow: %q with %d", allow, w.Code)
			}
		})
	}
}

func TestAllow(t *testing.T) {
	s := newServer(t)
	for path, want := range map[string]string{
		"/apps/x-id/events": "POST", "/apps/x-id/batch_events": "POST", "/apps/x-id/users/1/terminate_connections": "POST",
		"/apps/x-id/channels": "GET", "/apps/x-id/channels/c": "GET", "/apps/x-id/channels/c/users": "GET",
		"/apps/x-id/connections": "GET", "/up": "GET",
	} {
		if got := s.Call("x", "PUT", path, "").Header().Get("Allow"); got != want {
			t.Errorf("%s: Allow %q, want %q", path, got, want)
		}
	}
}

// Decision 12: HEAD has the headers of GET and no body.
func TestDecision12Head(t *testing.T) {
	s := newServer(t)
	for _, path := range []string{"/up", "/apps/x-id/channels", "/apps/x-id/channels/c", "/apps/x-id/channels/c/users", "/apps/x-id/connections", "/apps/nobody/channels"} {
		t.Run(path, func(t *testing.T) {
			get, head := s.Call("x", "GET", path, ""), s.Call("x", "HEAD", path, "")
			if head.Code != get.Code || head.Body.Len() != 0 {
				t.Errorf("HEAD: %d with %d bytes, GET: %d", head.Code, head.Body.Len(), get.Code)
			}
			for _, name := range []string{"Content-Length", "Content-Type"} {
				if got, want := head.Header().Get(name), get.Header().Get(name); got != want || got == "" {
					t.Errorf("%s %q, GET has %q", name, got, want)
				}
			}
		})
	}
}

func TestSignature(t *testing.T) {
	s := newServer(t)
	const body = `{"name":"e","channel":"c","data":"1"}`
	const path = "/apps/x-id/events"
	now := s.Now()
	sign := func(secret, path string, query url.Values, body string) string {
		return pusher.SignQuery("x-key", secret, "POST", path, query, []byte(body), now)
	}
	right := sign("x-secret", path, nil, body)
	tests := []struct {
		name, query, body string
		ok                bool
	}{
		{"right", right, body, true},
		{"the key is not looked at", sign("x-secret", path, url.Values{"auth_key": {"any"}}, body), body, true},
		{"in another order", func() string {
			parts := strings.Split(right, "&")
			slices.Reverse(parts)
			return strings.Join(parts, "&")
		}(), body, true},
		{"none", "", body, false},
		{"no signature", right[:strings.Index(right, "&auth_signature")], body, false},
		{"another secret", sign("y-secret", path, nil, body), body, false},
		{"another path", sign("x-secret", "/apps/x-id/batch_events", nil, body), body, false},
		{"another body", right, `{"name":"f","channel":"c","data":"1"}`, false},
		{"no body", right, "", false},
		{"something added", right + "&info=1", body, false},
		{"in capitals", strings.ToUpper(right), body, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := s.Do(httptest.NewRequest(http.MethodPost, path+"?"+tt.query, strings.NewReader(tt.body)))
			if tt.ok {
				wantReply(t, w, 200, "application/json", "{}")
			} else {
				wantReply(t, w, 401, plainText, "Authentication signature invalid.")
			}
		})
	}
}

// Decision 15: auth_timestamp must be near the server's clock.
func TestDecision15Timestamp(t *testing.T) {
	at := func(d time.Duration) func(int64) string {
		return func(now int64) string { return strconv.FormatInt(now+int64(d/time.Second), 10) }
	}
	is := func(s string) func(int64) string { return func(int64) string { return s } }
	tests := []struct {
		name      string
		tolerance time.Duration
		stamp     func(now int64) string
		ok        bool
	}{
		{"now", 600 * time.Second, at(0), true},
		{"as old as may be", 600 * time.Second, at(-600 * time.Second), true},
		{"older", 600 * time.Second, at(-601 * time.Second), false},
		{"as far ahead as may be", 600 * time.Second, at(600 * time.Second), true},
		{"further ahead", 600 * time.Second, at(601 * time.Second), false},
		{"a narrow window", time.Second, at(-2 * time.Second), false},
		{"no number", 600 * time.Second, is("yesterday"), false},
		{"empty", 600 * time.Second, is(""), false},
		{"in milliseconds", 600 * time.Second, func(now int64) string { return strconv.FormatInt(now*1000, 10) }, false},
		{"negative", 600 * time.Second, is("-1"), false},
		{"off", 0, at(-24 * 365 * time.Hour), true},
		{"off, and no number", 0, is("yesterday"), true},
	}
	for _, prefix := range []string{"", "/ws"} {
		for _, tt := range tests {
			t.Run(tt.name+prefix, func(t *testing.T) {
				s := appstest.New(t, appstest.Options{Apps: []apps.Settings{appstest.App("x")}, Tolerance: tt.tolerance, Prefix: prefix})
				now := s.Now().Unix()
				stamp := tt.stamp(now)
				w := s.Call("x", "GET", "/apps/x-id/connections?auth_timestamp="+url.QueryEscape(stamp), "")
				if tt.ok {
					wantReply(t, w, 200, "application/json", `{"connections":0}`)
					return
				}
				if w.Code != 401 || w.Header().Get("Content-Type") != plainText {
					t.Errorf("got %d %s", w.Code, w.Body)
				}
				for _, word := range []string{"auth_timestamp", stamp, strconv.FormatInt(now, 10)} {
					if !strings.Contains(w.Body.String(), word) {
						t.Errorf("%q does not say %q", w.Body, word)
					}
				}
			})
		}
	}
	t.Run("absent", func(t *testing.T) {
		s := appstest.New(t, appstest.Options{Apps: []apps.Settings{appstest.App("x")}, Tolerance: 600 * time.Second})
		// Signed like any request, but without a time.
		signed, err := url.ParseQuery(pusher.SignQuery("x-key", "x-secret", "GET", "/apps/x-id/connections", url.Values{"auth_timestamp": nil}, nil, s.Now()))
		if err != nil || signed.Has("auth_timestamp") {
			t.Fatal(signed, err)
		}
		w := s.Do(httptest.NewRequest(http.MethodGet, "/apps/x-id/connections?"+signed.Encode(), nil))
		if w.Code != 401 || !strings.Contains(w.Body.String(), "auth_timestamp") {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
	})
	// The signature covers the last auth_timestamp, so that one must be judged: else an old request could be replayed
	// with a new time in front.
	t.Run("given twice", func(t *testing.T) {
		s := appstest.New(t, appstest.Options{Apps: []apps.Settings{appstest.App("x")}, Tolerance: 600 * time.Second})
		old := pusher.SignQuery("x-key", "x-secret", "GET", "/apps/x-id/connections", nil, nil, s.Now().Add(-time.Hour))
		for _, name := range []string{"auth_timestamp", "auth%5Ftimestamp", "auth.timestamp", "auth+timestamp", "%20auth_timestamp"} {
			w := s.Do(httptest.NewRequest(http.MethodGet, fmt.Sprintf("/apps/x-id/connections?%s=%d&%s", name, s.Now().Unix(), old), nil))
			if w.Code != 401 {
				t.Errorf("%s in front: %d", name, w.Code)
			}
		}
	})
}

// Decision 15: the prefix is part of the routes and not of what is signed.
func TestDecision15Prefix(t *testing.T) {
	s := appstest.New(t, appstest.Options{Apps: []apps.Settings{appstest.App("x")}, Prefix: "/ws"})
	signed := func(path string) string { return pusher.SignQuery("x-key", "x-secret", "GET", path, nil, nil, s.Now()) }
	tests := []struct {
		name, path, signed string
		status             int
	}{
		{"signed without it", "/ws/apps/x-id/channels", "/apps/x-id/channels", 200},
		{"signed with it", "/ws/apps/x-id/channels", "/ws/apps/x-id/channels", 401},
		{"sent without it", "/apps/x-id/channels", "/apps/x-id/channels", 404},
		{"sent with something longer", "/wss/apps/x-id/channels", "/apps/x-id/channels", 404},
		{"up", "/ws/up", "/up", 200},
		{"up without it", "/up", "/up", 200},
		{"something longer than up", "/up/x", "/up/x", 404},
		{"the prefix alone", "/ws", "/ws", 404},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if w := s.Do(httptest.NewRequest(http.MethodGet, tt.path+"?"+signed(tt.signed), nil)); w.Code != tt.status {
				t.Errorf("got %d %s, want %d", w.Code, w.Body, tt.status)
			}
		})
	}
}

// Decision 13: a body that is not a JSON object is 400 with a JSON error, on both routes.
func TestDecision13Bodies(t *testing.T) {
	const notJSON, notObject = `{"error":"the body is not JSON"}`, `{"error":"the body is not a JSON object"}`
	tests := []struct{ name, body, want string }{
		{"empty", "", notJSON},
		{"text", "hello", notJSON},
		{"cut short", `{"name":"e"`, notJSON},
		{"cut short in a value", `{"name":"e","channel":`, notJSON},
		{"something behind", `{"name":"e","data":"1","channel":"c"}x`, notJSON},
		{"not UTF-8", "{\"name\":\"e\xff\",\"data\":\"1\",\"channel\":\"c\"}", notJSON},
		{"a number", "1", notObject},
		{"null", "null", notObject},
		{"a string", `"e"`, notObject},
		{"a list", `[{"name":"e"}]`, notObject},
	}
	for _, route := range []string{"events", "batch_events"} {
		for _, tt := range tests {
			t.Run(route+"/"+tt.name, func(t *testing.T) {
				s := newServer(t)
				wantReply(t, s.Call("x", "POST", "/apps/x-id/"+route, tt.body), 400, "application/json", tt.want)
			})
		}
	}
}

func TestBodyThatCannotBeRead(t *testing.T) {
	s := newServer(t)
	r := httptest.NewRequest(http.MethodPost, "/apps/x-id/events", io.MultiReader(strings.NewReader("{"), broken{}))
	wantReply(t, s.Do(r), 400, plainText, "Bad request.")
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("broken") }

// What Immediate says runs on the loop that read it, so it must only publish.
func TestImmediate(t *testing.T) {
	s := newServer(t)
	tests := []struct {
		name, method, path string
		want               bool
	}{
		{"events", "POST", "/apps/x-id/events", true},
		{"batch_events", "POST", "/apps/x-id/batch_events", true},
		{"channels", "GET", "/apps/x-id/channels", false},
		{"a channel of that name", "GET", "/apps/x-id/channels/events", false},
		{"terminate_connections", "POST", "/apps/x-id/users/1/terminate_connections", false},
		{"up", "GET", "/up", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := s.API.Immediate(httptest.NewRequest(tt.method, tt.path, nil)); got != tt.want {
				t.Errorf("Immediate(%s %s) = %v", tt.method, tt.path, got)
			}
		})
	}
}

// The handler is an ordinary one: net/http can serve it.
func TestServedByNetHTTP(t *testing.T) {
	s := newServer(t)
	server := httptest.NewServer(s.API)
	defer server.Close()
	query := pusher.SignQuery("x-key", "x-secret", "GET", "/apps/x-id/channels/a%20b", nil, nil, s.Now())
	res, err := http.Get(server.URL + "/apps/x-id/channels/a%20b?" + query)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); res.StatusCode != http.StatusOK || string(body) != `{"occupied":false}` {
		t.Errorf("%d %s %v", res.StatusCode, body, err)
	}
}
