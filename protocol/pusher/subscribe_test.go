package pusher

import (
	"errors"
	"testing"
)

func TestParseSubscribe(t *testing.T) {
	const none = "(nil)"
	for _, c := range []struct{ name, data, channel, auth, channelData string }{
		{"public", `{"channel":"news"}`, "news", none, none},
		{"private", `{"auth":"key:abc","channel":"private-a"}`, "private-a", "key:abc", none},
		{"presence", `{"channel":"presence-a","auth":"k:s","channel_data":"{\"user_id\":1}"}`, "presence-a", "k:s", `{"user_id":1}`},
		{"inside a string", `"{\"channel\":\"presence-\\u00e9\",\"channel_data\":\"{\\\"user_id\\\":1}\"}"`, "presence-é", none, `{"user_id":1}`},
		{"nulls", `{"channel":"news","auth":null,"channel_data":null}`, "news", none, none},
		{"empty strings", `{"channel":"news","auth":"","channel_data":""}`, "news", "", none},
		{"empty channel", `{"channel":""}`, "", none, none},
		{"escapes", `{"\u0063hannel":"a\/b"}`, "a/b", none, none},
		{"last one wins", `{"channel":1,"channel":"a"}`, "a", none, none},
		{"other members", `{"channel":"a","filter":{}}`, "a", none, none},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := ParseSubscribe([]byte(c.data))
			if err != nil {
				t.Fatal(err)
			}
			show := func(p []byte) string {
				if p == nil {
					return none
				}
				return string(p)
			}
			if show(s.Channel) != c.channel || show(s.Auth) != c.auth || show(s.ChannelData) != c.channelData {
				t.Errorf("got %q", s)
			}
			channel, err := ParseUnsubscribe([]byte(c.data))
			if string(channel) != c.channel || err != nil {
				t.Errorf("ParseUnsubscribe: %q, %v", channel, err)
			}
		})
	}
}

func TestParseSubscribeRefuses(t *testing.T) {
	for _, c := range []struct {
		name, data  string
		unsubscribe bool // is refused there too
	}{
		{"no data", ``, true},
		{"null", `null`, true},
		{"array", `[]`, true},
		{"number", `1`, true},
		{"text", `"plain"`, true},
		{"string of a string of an object", `"\"{\\\"channel\\\":\\\"a\\\"}\""`, true},
		{"malformed inside a string", `"{\"channel\":\"a\"}}"`, true},
		{"no channel", `{}`, true},
		{"null channel", `{"channel":null}`, true},
		{"number for channel", `{"channel":5}`, true},
		{"bool for channel", `{"channel":true}`, true},
		{"array for channel", `{"channel":["a"]}`, true},
		{"number for auth", `{"channel":"a","auth":5}`, false},
		{"array for auth", `{"channel":"a","auth":[]}`, false},
		{"object for channel_data", `{"channel":"a","channel_data":{"user_id":1}}`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if s, err := ParseSubscribe([]byte(c.data)); !errors.Is(err, ErrInvalidMessage) {
				t.Errorf("got %q, %v", s, err)
			}
			if channel, err := ParseUnsubscribe([]byte(c.data)); errors.Is(err, ErrInvalidMessage) != c.unsubscribe {
				t.Errorf("ParseUnsubscribe: %q, %v", channel, err)
			}
		})
	}
}
