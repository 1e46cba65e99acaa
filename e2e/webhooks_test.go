package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"reverbd/protocol/pusher"
)

// hookedServer starts a server whose app tells the receiver of events; "" are Pusher's.
func hookedServer(t *testing.T, h *hooks, events string, args ...string) *server {
	t.Helper()
	port := freePort(t)
	return startServerIn(t, hookedDir(t, h, events), port, append([]string{"--host", "127.0.0.1", "--port", strconv.Itoa(port), "--reactors", "2"}, args...)...)
}

// hookedDir is a directory with the .env of an app that tells the receiver of events.
func hookedDir(t *testing.T, h *hooks, events string) string {
	t.Helper()
	dir := t.TempDir()
	env := "REVERB_APP_ID=" + appID + "\nREVERB_APP_KEY=" + appKey + "\nREVERB_APP_SECRET=" + appSecret + "\nREVERB_APP_WEBHOOK_URL=" + h.URL + "/hook\n"
	if events != "" {
		env += "REVERB_APP_WEBHOOK_EVENTS=" + events + "\n"
	}
	must(t, os.WriteFile(filepath.Join(dir, ".env"), []byte(env), 0o600))
	return dir
}

// join subscribes to a presence channel as a user.
func (c *client) join(channel, user string) {
	c.t.Helper()
	c.sendJoin(channel, user)
	c.nextEvent("pusher_internal:subscription_succeeded")
}

// sendJoin asks to join, and does not wait for the answer.
func (c *client) sendJoin(channel, user string) {
	c.t.Helper()
	data := `{"user_id":` + strconv.Quote(user) + `}`
	id, _ := pusher.ParseSocketID(c.socketID)
	auth := appKey + ":" + pusher.ChannelSignature(appSecret, id, []byte(channel), []byte(data))
	c.send(`{"event":"pusher:subscribe","data":{"channel":"` + channel + `","auth":"` + auth + `","channel_data":` + strconv.Quote(data) + `}}`)
}

// drain reads all that the server has sent up to the answer to a ping.
func (c *client) drain() {
	c.t.Helper()
	c.send(`{"event":"pusher:ping","data":{}}`)
	for !strings.Contains(c.next(), "pusher:pong") {
	}
}

// unsubscribe ends a subscription, which is not answered.
func (c *client) unsubscribe(channel string) {
	c.t.Helper()
	c.send(`{"event":"pusher:unsubscribe","data":{"channel":` + strconv.Quote(channel) + `}}`)
}

// What happens on channels is told, signed, in order, and once.
func TestWebhooks(t *testing.T) {
	t.Parallel()
	h := newHooks(t, appSecret)
	h.refuses(func(n int) int { // the first attempt fails
		if n == 0 {
			return 500
		}
		return 0
	})
	s := hookedServer(t, h, "channel_occupied,channel_vacated,member_added,member_removed,client_event,cache_miss,subscription_count,connection_opened,connection_closed")
	a, b := connect(t, s), connect(t, s)
	a.subscribe("news", nil)
	a.unsubscribe("news")
	a.subscribe("news", nil) // back in time
	a.join("presence-room", "1")
	b.join("presence-room", "2")
	b.send(`{"event":"client-typing","channel":"presence-room","data":{"on":true}}`)
	a.send(`{"event":"pusher:subscribe","data":{"channel":"cache-empty"}}`)
	b.send(`{"event":"pusher:subscribe","data":{"channel":"news"}}`)
	want := []string{
		"connection_opened", "connection_opened", "channel_occupied news", "channel_occupied presence-room", "member_added presence-room 1",
		"member_added presence-room 2", "client_event presence-room 2", "channel_occupied cache-empty", "cache_miss cache-empty",
	}
	awaitHooks(t, h, want)
	must(t, b.conn.Close())
	want = append(want, "member_removed presence-room 2", "connection_closed")
	awaitHooks(t, h, want)
	for _, e := range h.got() {
		switch e.Name {
		case "client_event":
			if e.Event != "client-typing" || e.Data != `{"on":true}` || e.SocketID != b.socketID {
				t.Errorf("%+v", e)
			}
		case "connection_closed":
			if e.Code != 1006 || e.SocketID != b.socketID {
				t.Errorf("%+v", e)
			}
		}
	}
	if last := lastCount(h, "news"); last != 1 {
		t.Errorf("the last count is %d", last)
	}
	if text := s.must(t, "status"); !strings.Contains(text, "webhook attempts failed") {
		t.Errorf("status says\n%s", text)
	}
}

// awaitHooks is await without counts, of which there may be more or fewer.
func awaitHooks(t *testing.T, h *hooks, want []string) {
	t.Helper()
	missing := func() (list []string) {
		has := make(map[string]int)
		for _, name := range h.names() {
			has[name]++
		}
		for _, w := range want {
			if has[w]--; has[w] < 0 {
				list = append(list, w)
			}
		}
		for name, n := range has {
			if n > 0 && !strings.HasPrefix(name, "subscription_count") {
				t.Fatalf("told too often: %s", name)
			}
		}
		return list
	}
	await(t, "webhooks", func() bool { return len(missing()) == 0 })
}

func lastCount(h *hooks, channel string) (last int) {
	for _, e := range h.got() {
		if e.Name == "subscription_count" && e.Channel == channel {
			last = e.Count
		}
	}
	return last
}

// A restart is no departure: who comes back in time has not left, and who does not has, once. With a directory for the state, the processes pass
// that on too.
func TestWebhooksAcrossRestart(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"in memory": nil, "with a directory": {"--state-dir", t.TempDir()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testWebhooksAcrossRestart(t, args...)
		})
	}
}

func testWebhooksAcrossRestart(t *testing.T, args ...string) {
	h := newHooks(t, appSecret)
	s := hookedServer(t, h, "", append(args, "--drain-timeout", "0")...)
	a, b := connect(t, s), connect(t, s)
	a.subscribe("stays", nil)
	a.join("presence-room", "1")
	b.subscribe("goes", nil)
	want := []string{"channel_occupied stays", "channel_occupied goes", "channel_occupied presence-room", "member_added presence-room 1"}
	h.await(want...)
	s.must(t, "restart")
	a = connect(t, s)
	a.subscribe("stays", nil)
	a.subscribe("new", nil)
	a.join("presence-room", "1")
	want = append(want, "channel_occupied new", "channel_vacated goes")
	h.await(want...)
	s.must(t, "restart") // and once more, from the second process
	a = connect(t, s)
	for _, channel := range []string{"stays", "new", "late"} {
		a.subscribe(channel, nil)
	}
	a.join("presence-room", "1")
	h.await(append(want, "channel_occupied late")...)
}

// What could not be told is told after the next start: after a stop if there is a pid file to put it beside, after a kill if there is a
// directory for it.
func TestWebhooksAcrossStops(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		kill bool
		args func(dir string) []string
	}{
		{"stopped, with a pid file", false, func(dir string) []string { return []string{"--pid-file", filepath.Join(dir, "pid")} }},
		{"stopped, with a directory", false, func(dir string) []string { return []string{"--state-dir", dir} }},
		{"killed", true, func(dir string) []string { return []string{"--state-dir", dir} }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := newHooks(t, appSecret)
			h.refuses(func(int) int { return 503 })
			dir, port := hookedDir(t, h, ""), freePort(t)
			args := append(tc.args(t.TempDir()), "--host", "127.0.0.1", "--port", strconv.Itoa(port), "--drain-timeout", "0")
			s, err := launch(dir, port, args...)
			must(t, err)
			a := connect(t, s)
			a.subscribe("stays", nil)
			a.subscribe("goes", nil)
			a.join("presence-room", "1")
			await(t, "the first attempt", func() bool {
				h.mu.Lock()
				defer h.mu.Unlock()
				return h.n > 0
			})
			if tc.kill {
				must(t, s.cmd.Process.Kill())
				<-s.exited
			} else {
				must(t, s.stop())
			}
			h.refuses(nil)
			s = startServerIn(t, dir, port, args...)
			a = connect(t, s)
			a.subscribe("stays", nil)
			a.join("presence-room", "1")
			h.await("channel_occupied stays", "channel_occupied goes", "channel_occupied presence-room", "member_added presence-room 1", "channel_vacated goes")
		})
	}
}

// Without a place for them webhooks are told before the server ends, those of who is sent away too.
func TestWebhooksAtTheEnd(t *testing.T) {
	t.Parallel()
	h := newHooks(t, appSecret)
	s := hookedServer(t, h, "", "--drain-timeout", "0")
	a := connect(t, s)
	a.join("presence-room", "1")
	must(t, s.stop())
	h.await("channel_occupied presence-room", "member_added presence-room 1", "member_removed presence-room 1", "channel_vacated presence-room")
}

// Pusher's library for Node takes what the server sends.
func TestPusherNodeWebhooks(t *testing.T) {
	t.Parallel()
	port := strconv.Itoa(freePort(t))
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, ".env"), []byte("REVERB_APP_WEBHOOK_URL=http://127.0.0.1:"+port+"/\n"), 0o600))
	own := freePort(t)
	s := startServerIn(t, dir, own, "--dev", "--debug=false", "--port", strconv.Itoa(own))
	runScenarios(t, "pusher-node-webhooks", s, "WEBHOOK_PORT="+port)
}

// An operator can try a webhook, and sees the answer.
func TestWebhookCommand(t *testing.T) {
	t.Parallel()
	h := newHooks(t, appSecret)
	dir := hookedDir(t, h, "member_added")
	code, out := runToEnd(t, dir, nil, "webhook", "test", "--event", "member_added")
	if code != 0 || !strings.Contains(out, `"name":"member_added","channel":"presence-test","user_id":"1"`) || !strings.Contains(out, "200 OK") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	h.await("member_added presence-test 1")
	h.refuses(func(int) int { return 403 })
	code, out = runToEnd(t, dir, nil, "webhook", "test", "--app", appID)
	if code != 1 || !strings.Contains(out, "403 Forbidden") || !strings.Contains(out, "would not send this event there") {
		t.Errorf("refused: exit code %d\n%s", code, out)
	}
	for want, args := range map[string][]string{
		`"member_joined" is not an event; there are channel_occupied`: {"--event", "member_joined"},
		`"nobody" is not an app; there are app-id`:                    {"--app", "nobody"},
	} {
		if code, out := runToEnd(t, dir, nil, append([]string{"webhook", "test"}, args...)...); code != 2 || !strings.Contains(out, want) {
			t.Errorf("%v: exit code %d\n%s", args, code, out)
		}
	}
	if code, out := runToEnd(t, t.TempDir(), nil, "webhook", "test", "--dev"); code != 2 || !strings.Contains(out, "has no webhooks; set REVERB_APP_WEBHOOK_URL") {
		t.Errorf("without webhooks: exit code %d\n%s", code, out)
	}
}
