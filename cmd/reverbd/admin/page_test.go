package admin

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"reverbd/apps"
	"reverbd/broadcast"
	"reverbd/cmd/reverbd/console"
)

func (f *fixture) post(path string, values url.Values, change ...func(*http.Request)) *httptest.ResponseRecorder {
	return f.get(path, append([]func(*http.Request){func(r *http.Request) {
		q := httptest.NewRequest(http.MethodPost, path, strings.NewReader(values.Encode()))
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		q.Host = r.Host
		*r = *q
	}}, change...)...)
}

// The page comes with all that it needs, and may load nothing else.
func TestPage(t *testing.T) {
	f := newFixture(t, nil, "a")
	page := f.get("/")
	if page.Code != 200 || !strings.Contains(page.Header().Get("Content-Security-Policy"), "default-src 'none'") {
		t.Fatalf("%d %v", page.Code, page.Header())
	}
	for _, path := range []string{"/assets/page.js", "/assets/page.css", "/assets/uPlot.js", "/assets/uPlot.css", "/assets/uPlot.LICENSE"} {
		if w := f.get(path); w.Code != 200 || w.Body.Len() == 0 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if strings.Contains(page.Body.String(), "://") {
		t.Error("the page names something outside")
	}
}

// A page of another site can publish nothing and end nobody.
func TestOtherOrigins(t *testing.T) {
	f := newFixture(t, nil, "a")
	from := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for _, path := range []string{"/api/end", "/api/publish"} {
		for _, other := range []func(*http.Request){from("Sec-Fetch-Site", "cross-site"), from("Origin", "https://evil.example")} {
			if w := f.post(path, url.Values{"app": {"a"}}, other); w.Code != http.StatusForbidden {
				t.Errorf("%s: %d", path, w.Code)
			}
		}
	}
}

// What the page publishes goes through the API and its checks.
func TestPublish(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.API = &apps.API{Registry: o.Registry, Prefix: "/ws"}; o.Prefix = "/ws" }, "a")
	if w := f.post("/api/publish", url.Values{"app": {"a"}, "channel": {"room"}, "name": {"e"}, "data": {"d"}}); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if n := f.options.Hub.Totals(time.Second).Apps[0].Counters[apps.EventsAPI]; n != 1 {
		t.Errorf("%d events", n)
	}
	if w := f.post("/api/publish", url.Values{"app": {"a"}, "channel": {""}, "name": {"e"}}); w.Code != 422 {
		t.Errorf("%d without a channel", w.Code)
	}
	if w := f.post("/api/publish", url.Values{"app": {"b"}}); w.Code != 404 {
		t.Errorf("%d for no app", w.Code)
	}
	if w := f.post("/api/end", url.Values{"socket": {"1.2"}}); w.Code != 404 {
		t.Errorf("%d for no connection", w.Code)
	}
}

// The stream has the figures, and the lines of the console for who asks; nobody is told after it has ended.
func TestStream(t *testing.T) {
	c := console.New()
	hub := broadcast.NewHub(broadcast.Options{Watcher: c})
	hub.Loops()[0].Attach(hub.Loops()[0].Drain, hub.Loops()[0].Drain)
	c.Attach(hub)
	f := newFixture(t, func(o *Options) {
		settings := apps.DefaultSettings()
		settings.ID, settings.Key, settings.Secret = "a", "key-a", "secret-of-a"
		o.Hub, o.Console = hub, c
		o.Registry, _ = apps.NewRegistry(hub, []apps.Settings{settings})
	})
	f.history.add(time.Now(), hub.Totals(time.Second))
	server := httptest.NewServer(f.http.Handler)
	defer server.Close()
	res, err := http.Get(server.URL + "/api/stream?app=a&console=1")
	if err != nil {
		t.Fatal(err)
	}
	in := bufio.NewScanner(res.Body)
	next := func(event string) string {
		for in.Scan() {
			if in.Text() == "event: "+event {
				in.Scan()
				return strings.TrimPrefix(in.Text(), "data: ")
			}
		}
		t.Fatalf("no %s: %v", event, in.Err())
		return ""
	}
	text := next("figures")
	var got figures
	if err := json.Unmarshal([]byte(text), &got); err != nil || len(got.Apps) != 1 || got.Apps[0].Key != "key-a" || got.Now.Time == 0 || len(got.Loops) != 1 {
		t.Errorf("%s %v", text, err)
	}
	if strings.Contains(text, "secret-of-") {
		t.Error("a secret is told")
	}
	d := hub.Directory("a")
	d.Observe(broadcast.Activity{Kind: broadcast.Refused, Code: 4009, Reason: "why"})
	var lines []console.Line
	if err := json.Unmarshal([]byte(next("lines")), &lines); err != nil || len(lines) != 1 || lines[0].Reason != "why" || lines[0].Kind != "refused" {
		t.Errorf("%+v %v", lines, err)
	}
	_ = res.Body.Close()
	f.Close()
	for end := time.Now().Add(10 * time.Second); d.Reports(broadcast.Refused) && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if d.Reports(broadcast.Refused) {
		t.Error("the app still reports")
	}
}

// An hour is kept by the minute and five minutes by the second, for apps that are there.
func TestHistory(t *testing.T) {
	h := newHistory()
	now := time.Unix(1e9, 0)
	totals := broadcast.Totals{Apps: []broadcast.AppTotals{{App: "a", Connections: 1}, {App: "b"}}}
	for i := range 2 * 3600 {
		totals.Apps[0].Connections = i
		h.add(now.Add(time.Duration(i)*time.Second), totals)
	}
	bySecond, byMinute := h.of("a", false), h.of("a", true)
	if n := len(bySecond); n != seconds || bySecond[n-1].Connections != 2*3600-1 || bySecond[0].Connections != 2*3600-seconds {
		t.Errorf("%d seconds", n)
	}
	if n := len(byMinute); n != minutes || byMinute[n-1].Time-byMinute[0].Time != time.Hour.Milliseconds() {
		t.Errorf("%d minutes", n)
	}
	totals.Apps = totals.Apps[1:]
	h.add(now.Add(3*time.Hour), totals)
	if n := len(h.of("a", false)); n != 0 {
		t.Errorf("%d points of an app that is gone", n)
	}
}
