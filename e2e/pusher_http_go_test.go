package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"

	pusher "github.com/pusher/pusher-http-go/v5"
)

// publisher returns Pusher's Go library for the application of --dev. A path prefix is appended to its host.
func publisher(s *server) *pusher.Client {
	return &pusher.Client{AppID: appID, Key: appKey, Secret: appSecret, Host: s.addr() + s.prefix}
}

func TestPusherGoServer(t *testing.T) {
	for name, prefix := range map[string]string{"no prefix": "", "prefix": "/ws"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startServer(t, "--dev", "--path", prefix)
			s.prefix = prefix
			p := publisher(s)
			t.Run("no channels", func(t *testing.T) { testNoChannels(t, p) })
			t.Run("trigger", func(t *testing.T) { testTrigger(t, s, p) })
			t.Run("trigger with info", func(t *testing.T) { testTriggerInfo(t, s, p) })
			t.Run("batch", func(t *testing.T) { testBatch(t, s, p) })
			t.Run("channels", func(t *testing.T) { testChannels(t, s, p) })
			t.Run("presence", func(t *testing.T) { testPresence(t, s, p) })
			t.Run("wrong secret", func(t *testing.T) { testWrongSecret(t, *p) })
		})
	}
}

func testTrigger(t *testing.T, s *server, p *pusher.Client) {
	one, two := connect(t, s), connect(t, s)
	one.subscribe("one", nil)
	two.subscribe("one", nil)
	two.subscribe("two", nil)

	must(t, p.Trigger("one", `App\Events\Shipped`, map[string]any{"id": 7, "note": `ž "quoted" </b>`}))
	must(t, p.TriggerMulti([]string{"one", "two"}, "several", []int{1, 2}))
	must(t, p.TriggerExclusive("one", "to-others", "text", one.socketID))
	must(t, p.TriggerMultiExclusive([]string{"one", "two"}, "to-others-too", nil, one.socketID))
	must(t, p.Trigger("one", "last", struct{}{}))

	shipped := event{`App\Events\Shipped`, `{"id":7,"note":"ž \"quoted\" \u003c/b\u003e"}`}
	expectEvents(t, one, shipped, event{"several", "[1,2]"}, event{"last", "{}"})
	expectEvents(t, two, shipped, event{"several", "[1,2]"}, event{"several", "[1,2]"},
		event{"to-others", "text"}, event{"to-others-too", "null"}, event{"to-others-too", "null"}, event{"last", "{}"})
}

// event is an event without its channel.
type event struct{ name, data string }

// expectEvents reads the events in this order.
func expectEvents(t *testing.T, c *client, events ...event) {
	t.Helper()
	for _, want := range events {
		if got := c.nextEvent(want.name).text(t); got != want.data {
			t.Fatalf("data of %s is %s, want %s", want.name, got, want.data)
		}
	}
}

func testTriggerInfo(t *testing.T, s *server, p *pusher.Client) {
	a, b := connect(t, s), connect(t, s)
	joinPresence(t, p, a, "presence-info", pusher.MemberData{UserID: "1"})
	joinPresence(t, p, b, "presence-info", pusher.MemberData{UserID: "1"})
	a.subscribe("info", nil)

	info := "user_count,subscription_count"
	got, err := p.TriggerMultiWithParams([]string{"info", "presence-info", "nobody"}, "e", 1, pusher.TriggerParams{Info: &info})
	must(t, err)
	n := 1
	want := map[string]pusher.TriggerChannelListItem{"info": {SubscriptionCount: &n}, "presence-info": {UserCount: &n}, "nobody": {}}
	if !reflect.DeepEqual(got.Channels, want) {
		t.Errorf("got %s, want %s", show(got.Channels), show(want))
	}
}

func testBatch(t *testing.T, s *server, p *pusher.Client) {
	c := connect(t, s)
	c.subscribe("batch", nil)
	info := "subscription_count"
	got, err := p.TriggerBatch([]pusher.Event{
		{Channel: "batch", Name: "a", Data: 1, Info: &info},
		{Channel: "batch", Name: "not for her", Data: 2, SocketID: &c.socketID},
		{Channel: "nobody", Name: "b", Data: 3, Info: &info},
	})
	must(t, err)
	n := 1
	if want := []pusher.TriggerBatchChannelListItem{{SubscriptionCount: &n}, {}, {}}; !reflect.DeepEqual(got.Batch, want) {
		t.Errorf("got %s, want %s", show(got.Batch), show(want))
	}

	// Without info the answer is {"batch":{}}, like Reverb's. This library expects a list there, and returns an error after the delivery.
	_, err = p.TriggerBatch([]pusher.Event{{Channel: "batch", Name: "c", Data: map[string]int{"n": 1}}})
	if wrong := (*json.UnmarshalTypeError)(nil); err != nil && !errors.As(err, &wrong) {
		t.Error(err)
	}
	expectEvents(t, c, event{"a", "1"}, event{"c", `{"n":1}`})
}

func testNoChannels(t *testing.T, p *pusher.Client) {
	list, err := p.Channels(pusher.ChannelsParams{})
	must(t, err)
	if list.Channels == nil || len(list.Channels) != 0 {
		t.Errorf("got %s, want an empty object", show(list))
	}
}

func testChannels(t *testing.T, s *server, p *pusher.Client) {
	prefix, count := "presence-list", "user_count"
	c := connect(t, s)
	joinPresence(t, p, c, "presence-list-1", pusher.MemberData{UserID: "1"})
	c.subscribe("list-2", nil)

	some, err := p.Channels(pusher.ChannelsParams{FilterByPrefix: &prefix, Info: &count})
	must(t, err)
	if want := map[string]pusher.ChannelListItem{"presence-list-1": {UserCount: 1}}; !reflect.DeepEqual(some.Channels, want) {
		t.Errorf("got %s, want %s", show(some.Channels), show(want))
	}
	both := "user_count,subscription_count"
	for _, want := range []pusher.Channel{
		{Name: "presence-list-1", Occupied: true, UserCount: 1},
		{Name: "list-2", Occupied: true, SubscriptionCount: 1},
		{Name: "nobody"},
	} {
		got, err := p.Channel(want.Name, pusher.ChannelParams{Info: &both})
		must(t, err)
		if *got != want {
			t.Errorf("got %s, want %s", show(got), show(want))
		}
	}
}

func testPresence(t *testing.T, s *server, p *pusher.Client) {
	const room = "presence-room"
	ann := pusher.MemberData{UserID: "1", UserInfo: map[string]string{"name": "Ann"}}
	bob := pusher.MemberData{UserID: "2", UserInfo: map[string]string{"name": "Bob"}}
	a, b := connect(t, s), connect(t, s)
	joinPresence(t, p, a, room, ann)
	roster := joinPresence(t, p, b, room, bob)
	if want := `{"presence":{"count":2,"ids":["1","2"],"hash":{"1":{"name":"Ann"},"2":{"name":"Bob"}}}}`; roster.text(t) != want {
		t.Errorf("roster is %s, want %s", roster.text(t), want)
	}
	if got, want := a.nextEvent("pusher_internal:member_added").text(t), `{"user_id":"2","user_info":{"name":"Bob"}}`; got != want {
		t.Errorf("member_added is %s, want %s", got, want)
	}
	users, err := p.GetChannelUsers(room)
	must(t, err)
	if want := []pusher.User{{ID: "1"}, {ID: "2"}}; !reflect.DeepEqual(users.List, want) {
		t.Errorf("users are %v, want %v", users.List, want)
	}
	if _, err := p.GetChannelUsers("nobody"); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("users of an empty channel: %v, want a 404", err)
	}

	private, err := p.AuthorizePrivateChannel(authParams(a, "private-x"))
	must(t, err)
	a.subscribe("private-x", private)
}

func testWrongSecret(t *testing.T, p pusher.Client) {
	p.Secret = "wrong"
	if err := p.Trigger("c", "e", 1); err == nil || !strings.Contains(err.Error(), "Authentication signature invalid.") {
		t.Errorf("got %v, want a 401 with its text", err)
	}
}

// joinPresence subscribes with the library's signature.
func joinPresence(t *testing.T, p *pusher.Client, c *client, channel string, m pusher.MemberData) message {
	t.Helper()
	auth, err := p.AuthorizePresenceChannel(authParams(c, channel), m)
	must(t, err)
	return c.subscribe(channel, auth)
}

// authParams returns the body of a browser's request to the application's auth endpoint.
func authParams(c *client, channel string) []byte {
	return []byte(url.Values{"socket_id": {c.socketID}, "channel_name": {channel}}.Encode())
}

func show(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
