package apps_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"reverbd/apps"
	"reverbd/apps/appstest"
	"reverbd/protocol/pusher"
	"reverbd/protocol/ws"
)

// FuzzSession lets two clients say anything, one line a message, while a third listens. Whatever they say, nothing panics,
// the third stays connected and subscribed, and gets nothing but events that an honest server sends.
//
// A line that begins with '!' is sent by the second client, one that begins with '~' as a binary message, "{auth}" in it
// stands for the right signature, and "^" alone is a control frame.
func FuzzSession(f *testing.F) {
	for _, seed := range []string{
		`{"event":"pusher:ping"}`,
		subscribe("lobby") + "\n" + `{"event":"client-x","channel":"lobby","data":{"a":[1,2]}}` + "\n" + unsubscribe("lobby"),
		`{"event":"pusher:subscribe","data":{"channel":"presence-room","auth":"{auth}","channel_data":"{\"user_id\":1,\"user_info\":{}}"}}` + "\n" +
			`{"event":"client-x","channel":"presence-room","data":"\u00e9"}` + "\n" + `!{"event":"pusher:subscribe","data":{"channel":"presence-room","auth":"{auth}","channel_data":"{\"user_id\":\"1\"}"}}`,
		`{"event":"pusher:subscribe","data":"{\"channel\":\"cache-c\"}"}` + "\n" + `!{"event":"client-y","channel":"cache-c"}` + "\n^",
		`~{"event":"client-x","channel":"lobby","data":"` + "\xff" + `"}`,
		`{"event":"client-x","channel":"lobby","data":1,"user_id":"victim"}` + "\n" + `{"event":"pusher_internal:member_removed","channel":"presence-room","data":"{}"}`,
		`{"event":"pusher:subscribe"}` + "\n" + `{"event":"pusher:subscribe","data":""}` + "\n" + `{"event":"pusher:subscribe","data":"\""}` + "\n" + `{"event":"client-\"","channel":"a\"b"}`,
		`{"event":"pusher:subscribe","data":{"channel":"#server-to-user-1"}}` + "\n" + `{"event":"client-x","channel":"#server-to-user-1"}`,
		"hello\n\n{}\n[]\nnull\n" + `{"event":"pusher:signin","data":{"auth":"","user_data":""}}`,
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, script []byte, all bool) {
		mode := apps.ClientEventsFromMembers
		if all {
			mode = apps.ClientEventsFromAll
		}
		s := newServer(t, func(a *apps.Settings) { a.AcceptClientEventsFrom = mode })
		victim, one, two := s.Connect("x"), s.Connect("x"), s.Connect("x")
		joinAll(t, victim)
		for _, line := range bytes.Split(script, []byte("\n")) {
			c, other := one, two
			if rest, ok := bytes.CutPrefix(line, []byte("!")); ok {
				line, c, other = rest, two, one
			}
			members, count := other.Session.Subscriptions(), 0
			binary, isBinary := bytes.CutPrefix(line, []byte("~"))
			switch text := signed(c, line); {
			case string(line) == "^":
				c.Control(ws.OpPing)
			case isBinary:
				c.SendBinary(binary)
				count = 1
			case utf8.Valid(line): // the reader of frames sees to that
				c.Send(text)
				count = 1
			}
			if got := other.Session.Subscriptions(); got != members {
				t.Fatalf("another client had %d subscriptions and now has %d", members, got)
			}
			answers := c.Received()
			for _, text := range answers {
				checkText(t, text)
			}
			if len(answers) > 2*count { // subscription_succeeded and a cached event
				t.Fatalf("%q was answered with %q", line, answers)
			}
			for _, text := range other.Received() {
				checkDelivered(t, c, text)
			}
			for _, text := range victim.Received() {
				checkDelivered(t, c, text)
			}
		}
		if victim.Closed() != 0 || victim.Session.Subscriptions() != len(victimChannels) {
			t.Fatalf("the listener was closed with %d, and has %d subscriptions", victim.Closed(), victim.Session.Subscriptions())
		}
		one.Drop()
		two.Drop()
		victim.Received()
		for _, channel := range victimChannels {
			s.Publish("x", channel, "still", "here")
			if got := victim.Received(); len(got) != 1 {
				t.Fatalf("afterwards the listener got %q on %s", got, channel)
			}
		}
		if got := s.Registry.ByID("x-id").Connections(); got != 1 {
			t.Fatalf("%d connections are counted", got)
		}
		if w := s.Call("x", "GET", "/apps/x-id/channels/presence-room?info=user_count", ""); w.Body.String() != `{"occupied":true,"user_count":1}` {
			t.Fatalf("presence-room: %s", w.Body)
		}
	})
}

var victimChannels = []string{"lobby", "private-a", "presence-room", "cache-c", "presence-cache-c"}

func joinAll(t *testing.T, c *appstest.Client) {
	for _, channel := range victimChannels {
		data := ""
		if strings.HasPrefix(channel, "presence-") {
			data = `{"user_id":"victim"}`
		}
		c.Subscribe("x-secret", channel, data)
	}
	if got := c.Session.Subscriptions(); got != len(victimChannels) {
		t.Fatalf("%d subscriptions", got)
	}
	c.Received()
}

// signed puts the signature that a message asks for into it.
func signed(c *appstest.Client, line []byte) string {
	if !bytes.Contains(line, []byte("{auth}")) {
		return string(line)
	}
	var m struct {
		Data struct {
			Channel string `json:"channel"`
			Data    string `json:"channel_data"`
		} `json:"data"`
	}
	_ = json.Unmarshal(line, &m) // what is not understood is signed as if it were empty
	auth := "k:" + pusher.ChannelSignature("x-secret", c.ID(), []byte(m.Data.Channel), []byte(m.Data.Data))
	return strings.ReplaceAll(string(line), "{auth}", auth)
}

// checkText checks that a message is JSON as a server sends it, and returns its members.
func checkText(t *testing.T, text string) map[string]json.RawMessage {
	t.Helper()
	var m map[string]json.RawMessage
	if !utf8.ValidString(text) || json.Unmarshal([]byte(text), &m) != nil {
		t.Fatalf("not a JSON object: %q", text)
	}
	for key := range m {
		if !slices.Contains([]string{"event", "channel", "data", "user_id"}, key) {
			t.Fatalf("%q in %s", key, text)
		}
	}
	var event string
	if json.Unmarshal(m["event"], &event) != nil || event == "" {
		t.Fatalf("no event in %s", text)
	}
	return m
}

// checkDelivered checks a message that came because of what another client, from, did.
func checkDelivered(t *testing.T, from *appstest.Client, text string) {
	t.Helper()
	m := checkText(t, text)
	var event, channel string
	_ = json.Unmarshal(m["event"], &event)
	_ = json.Unmarshal(m["channel"], &channel)
	switch {
	case !pusher.ValidName(channel):
		t.Fatalf("on no channel: %s", text)
	case strings.HasPrefix(event, "client-"):
		var id []byte
		if member := from.Session.Member([]byte(channel)); member != nil {
			id = member.ID
		}
		if !bytes.Equal(m["user_id"], id) {
			t.Fatalf("from the user %s: %s", id, text)
		}
	case event == "pusher_internal:member_added" || event == "pusher_internal:member_removed":
		if !strings.HasPrefix(channel, "presence-") || len(m["data"]) == 0 || m["data"][0] != '"' || m["user_id"] != nil {
			t.Fatalf("member event: %s", text)
		}
	default:
		t.Fatalf("delivered: %s", text)
	}
}
