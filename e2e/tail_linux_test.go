package e2e

import (
	"net/http"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/gobwas/ws"
)

// reverbd tail shows what happens as it happens, with the reason of what is refused.
func TestTail(t *testing.T) {
	t.Parallel()
	s := startServer(t, "--dev", "--debug=false")
	text := new(output)
	tail := exec.Command(serverBinary, "tail", "--app", appID, "--dev", "--host", "127.0.0.1", "--port", strconv.Itoa(s.port))
	tail.Dir, tail.Env, tail.Stdout, tail.Stderr = s.dir, plainEnvironment(), text, text
	must(t, tail.Start())
	t.Cleanup(func() { _ = tail.Process.Kill(); _ = tail.Wait() })
	says := func(parts ...string) {
		t.Helper()
		eventually(t, clientTimeout, strings.Join(parts, " "), func() string {
			for line := range strings.Lines(text.String()) {
				rest, ok := line, true
				for _, p := range parts {
					_, rest, ok = strings.Cut(rest, p)
					if !ok {
						break
					}
				}
				if ok {
					return ""
				}
			}
			return text.String()
		})
	}
	eventually(t, clientTimeout, "tail sees connections", func() string {
		if c, err := open(t.Context(), ws.Dialer{}, "ws://"+s.addr()+"/app/"+appKey); err == nil {
			_ = c.conn.Close()
		}
		if strings.Contains(text.String(), "opened") {
			return ""
		}
		return text.String()
	})
	c := connect(t, s)
	c.subscribe("room", nil)
	says("subscribed", "room", c.socketID)
	c.send(`{"event":"pusher:subscribe","data":{"channel":"private-room","auth":"app-key:nonsense"}}`)
	c.nextEvent("pusher:error")
	says("refused", "private-room", c.socketID, "4009", "REVERB_APP_SECRET")
	if status, body := signedPost(t, s, "/apps/"+appID+"/events", `{"name":"my-event","channel":"room","data":"d"}`); status != http.StatusOK {
		t.Fatal(status, body)
	}
	says("published", "room", "my-event")
	says("answered", "POST /apps/app-id/events", "200")
	_ = c.conn.Close()
	says("closed", c.socketID, "1006")
}

// The page of --dev publishes, shows connections, and ends them.
func TestPageOfDev(t *testing.T) {
	t.Parallel()
	s, admin := adminServer(t)
	s.awaitOutputTimes(t, "Watch it, and publish, at "+admin+"/", 1)
	if page := fetch(t, admin+"/"); !strings.Contains(page, "<title>reverbd</title>") {
		t.Fatalf("no page: %s", page)
	}
	c := connect(t, s)
	c.subscribe("room", nil)
	post := func(path string, values url.Values) int {
		t.Helper()
		res, err := http.PostForm(admin+path, values)
		must(t, err)
		_ = res.Body.Close()
		return res.StatusCode
	}
	if status := post("/api/publish", url.Values{"app": {appID}, "channel": {"room"}, "name": {"my-event"}, "data": {"d"}}); status != http.StatusOK {
		t.Fatal(status)
	}
	c.expect(`{"event":"my-event","data":"d","channel":"room"}`)
	for path, want := range map[string]string{
		"/api/connections?app=app-id": c.socketID, "/api/channels?app=app-id&text=oo": `"room","subscribers":1`,
		"/api/channel?app=app-id&name=room": `"subscribers":1`, "/api/connections?app=app-id&text=room": "127.0.0.1:",
	} {
		if got := fetch(t, admin+path); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	if status := post("/api/end", url.Values{"socket": {c.socketID}}); status != http.StatusNoContent {
		t.Fatal(status)
	}
	c.expectDismissal(4009, "You got disconnected by the app.")
}
