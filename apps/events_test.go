package apps_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"reverbd/apps"
	"reverbd/apps/appstest"
	"reverbd/protocol/pusher"
)

func TestMessages(t *testing.T) {
	s := newServer(t)
	c := s.Connect("x")
	tests := []struct {
		name, text string
		want       []string
	}{
		{"ping", `{"event":"pusher:ping"}`, []string{pong}},
		{"ping with data", `{"event":"pusher:ping","data":{"any":1}}`, []string{pong}},
		{"ping with a channel and more", `{"channel":"x","event":"pusher:ping","extra":[1]}`, []string{pong}},
		{"ping in escapes", `{"event":"pusher\u003aping"}`, []string{pong}},
		{"pong", `{"event":"pusher:pong"}`, nil},
		{"subscribe", subscribe("a"), []string{succeeded("a")}},
		{"data in a string", `{"event":"pusher:subscribe","data":"{\"channel\":\"b\"}"}`, []string{succeeded("b")}},
		{"auth null on a public channel", `{"event":"pusher:subscribe","data":{"channel":"c","auth":null,"channel_data":null}}`, []string{succeeded("c")}},
		{"unsubscribe", unsubscribe("a"), nil},
		{"unsubscribe again", unsubscribe("a"), nil},
		{"unsubscribe with data in a string", `{"event":"pusher:unsubscribe","data":"{\"channel\":\"b\"}"}`, nil},
		{"another event is ignored", `{"event":"hello","channel":"c","data":{}}`, nil},
		{"an internal event is ignored", `{"event":"pusher_internal:member_removed","channel":"c","data":{}}`, nil},

		{"no JSON", `hello`, []string{invalidFormat}},
		{"nothing", ``, []string{invalidFormat}},
		{"a number", `1`, []string{invalidFormat}},
		{"null", `null`, []string{invalidFormat}},
		{"a list", `[]`, []string{invalidFormat}},
		{"an empty object", `{}`, []string{invalidFormat}},
		{"two objects", `{"event":"pusher:ping"}{}`, []string{invalidFormat}},
		{"event a number", `{"event":1}`, []string{invalidFormat}},
		{"event null", `{"event":null}`, []string{invalidFormat}},
		{"event a list", `{"event":["pusher:ping"]}`, []string{invalidFormat}},
		{"event blank", `{"event":" "}`, []string{invalidFormat}},
		{"an unknown pusher event", `{"event":"pusher:nope","data":{}}`, []string{invalidFormat}},
		{"subscribe without data", `{"event":"pusher:subscribe"}`, []string{invalidFormat}},
		{"subscribe to nothing", `{"event":"pusher:subscribe","data":{}}`, []string{invalidFormat}},
		{"subscribe to null", `{"event":"pusher:subscribe","data":{"channel":null}}`, []string{invalidFormat}},
		{"subscribe with data a list", `{"event":"pusher:subscribe","data":["c"]}`, []string{invalidFormat}},
		{"subscribe with data a string of no object", `{"event":"pusher:subscribe","data":"c"}`, []string{invalidFormat}},
		{"subscribe with auth a list", `{"event":"pusher:subscribe","data":{"channel":"private-c","auth":[]}}`, []string{invalidFormat}},
		{"subscribe with channel_data an object", `{"event":"pusher:subscribe","data":{"channel":"presence-c","auth":"a:b","channel_data":{"user_id":1}}}`, []string{invalidFormat}},
		{"subscribe with channel_data not JSON", `{"event":"pusher:subscribe","data":{"channel":"c","channel_data":"{"}}`, []string{invalidFormat}},
		{"unsubscribe from nothing", `{"event":"pusher:unsubscribe","data":{}}`, []string{invalidFormat}},
		{"unsubscribe without data", `{"event":"pusher:unsubscribe"}`, []string{invalidFormat}},
		{"another event without a channel", `{"event":"hello"}`, []string{invalidFormat}},
		{"a client event without a channel", `{"event":"client-x","data":{}}`, []string{invalidFormat}},
		{"a client event with channel null", `{"event":"client-x","channel":null,"data":{}}`, []string{invalidFormat}},
		{"a client event with channel empty", `{"event":"client-x","channel":"","data":{}}`, []string{invalidFormat}},
		{"a client event with channel a number", `{"event":"client-x","channel":5,"data":{}}`, []string{invalidFormat}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c.Send(tt.text)
			wantTexts(t, "client", c, tt.want...)
			wantClosed(t, "client", c, 0)
		})
	}
}

func TestBinaryMessages(t *testing.T) {
	s := newServer(t)
	a, b := s.Connect("x"), s.Connect("x")
	a.Send(subscribe("news"))
	b.Send(subscribe("news"))
	a.Received()
	b.Received()
	tests := []struct {
		name, text string
		a, b       []string
	}{
		{"are taken as text", `{"event":"client-x","channel":"news","data":1}`, nil, []string{`{"event":"client-x","channel":"news","data":1}`}},
		{"and must be UTF-8", "{\"event\":\"client-x\",\"channel\":\"news\",\"data\":\"\xff\"}", []string{invalidFormat}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a.SendBinary([]byte(tt.text))
			wantTexts(t, "sender", a, tt.a...)
			wantTexts(t, "other", b, tt.b...)
		})
	}
}

// Decision 6: kinds need the dash, names are 1 to 200 bytes of UTF-8 without control characters, and channel is a string.
func TestDecision06Channels(t *testing.T) {
	s := newServer(t, asReverb)
	long := strings.Repeat("x", 200)
	tests := []struct {
		name, channel string // as a JSON value
		want          []string
	}{
		{"a public channel", `"news"`, []string{succeeded("news")}},
		{"private without a dash is public", `"privatenews"`, []string{succeeded("privatenews")}},
		{"presence without a dash is public", `"presencenews"`, []string{succeeded("presencenews")}},
		{"cache without a dash is public", `"cachenews"`, []string{succeeded("cachenews")}},
		{"a dash in the middle of nowhere", `"my-private-news"`, []string{succeeded("my-private-news")}},
		{"capitals are another name", `"Private-news"`, []string{succeeded("Private-news")}},
		{"cache", `"cache-news"`, []string{succeeded("cache-news"), cacheMiss("cache-news")}},
		{"private", `"private-news"`, []string{unauthorized}},
		{"presence", `"presence-news"`, []string{unauthorized}},
		{"private-cache", `"private-cache-news"`, []string{unauthorized}},
		{"presence-cache", `"presence-cache-news"`, []string{unauthorized}},
		{"private-encrypted", `"private-encrypted-news"`, []string{unauthorized}},
		{"private-encrypted-cache", `"private-encrypted-cache-news"`, []string{unauthorized}},
		{"private- alone", `"private-"`, []string{unauthorized}},
		{"200 bytes", `"` + long + `"`, []string{succeeded(long)}},
		{"201 bytes", `"` + long + `x"`, []string{invalidFormat}},
		{"200 bytes of two each", `"` + strings.Repeat("é", 100) + `"`, []string{succeeded(strings.Repeat("é", 100))}},
		{"101 letters of two bytes", `"` + strings.Repeat("é", 101) + `"`, []string{invalidFormat}},
		{"an emoji", `"🎉"`, []string{succeeded("🎉")}},
		{"a quote", `"a\"b"`, []string{succeeded(`a\"b`)}},
		{"a space", `"a b"`, []string{succeeded("a b")}},
		{"empty", `""`, []string{invalidFormat}},
		{"a line feed", `"a\nb"`, []string{invalidFormat}},
		{"a null byte", `"a\u0000"`, []string{invalidFormat}},
		{"delete", `"a\u007f"`, []string{invalidFormat}},
		{"a C1 control", `"a\u0085"`, []string{invalidFormat}},
		{"a number", `5`, []string{invalidFormat}},
		{"true", `true`, []string{invalidFormat}},
		{"an object", `{}`, []string{invalidFormat}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := s.Connect("x")
			defer c.Drop()
			c.Send(`{"event":"pusher:subscribe","data":{"channel":` + tt.channel + `}}`)
			wantTexts(t, "client", c, tt.want...)
			if got, want := c.Session.Subscriptions(), len(tt.want); (got == 1) != strings.Contains(tt.want[0], "succeeded") {
				t.Errorf("%d subscriptions with %d answers", got, want)
			}
		})
	}
}

// Decision 6: a refused subscribe creates no channel.
func TestDecision06RefusedSubscribeCreatesNothing(t *testing.T) {
	s := newServer(t, asReverb)
	c := s.Connect("x")
	channels := []string{"private-a", "presence-b", "private-cache-c", "presence-cache-d", "private-encrypted-e", "#server-to-user-f"}
	for _, name := range channels {
		c.Send(subscribe(name))
		wantTexts(t, name, c, unauthorized)
	}
	c.Subscribe("x-secret", "presence-g", `{"user_info":{}}`)
	wantTexts(t, "presence-g", c, noUserID)
	if got := s.Registry.ByID("x-id").Channels.Channels(""); len(got) != 0 {
		t.Errorf("channels exist: %v", got)
	}
	if got := c.Session.Subscriptions(); got != 0 {
		t.Errorf("%d subscriptions", got)
	}
}

// Decision 6 for whispers: what cannot be a channel cannot be whispered to, in mode all either.
func TestDecision06WhispersToImpossibleNames(t *testing.T) {
	s := newServer(t, func(a *apps.Settings) { a.AcceptClientEventsFrom = apps.ClientEventsFromAll })
	c := s.Connect("x")
	for _, channel := range []string{`cache-` + strings.Repeat("x", 195), `cache-\n`, `a\u0000`} {
		c.Send(`{"event":"client-x","channel":"` + channel + `","data":1}`)
		wantTexts(t, channel, c, invalidFormat)
	}
}

func TestSubscribeAuth(t *testing.T) {
	s := newServer(t, asReverb)
	c, other := s.Connect("x"), s.Connect("x")
	sign := func(secret string, id pusher.SocketID, channel, data string) string {
		return pusher.ChannelSignature(secret, id, []byte(channel), []byte(data))
	}
	right := sign("x-secret", c.ID(), "private-a", "")
	tests := []struct {
		name, auth, data string
		ok               bool
	}{
		{"key and signature", `"x-key:` + right + `"`, "", true},
		{"the key is not looked at", `"any:` + right + `"`, "", true},
		{"the signature alone", `"` + right + `"`, "", true},
		{"channel_data is signed on private channels too", `"k:` + sign("x-secret", c.ID(), "private-a", `{"n":1}`) + `"`, `{"n":1}`, true},
		{"absent", ``, "", false},
		{"null", `null`, "", false},
		{"empty", `""`, "", false},
		{"cut", `"x-key:` + right[:63] + `"`, "", false},
		{"in capitals", `"x-key:` + strings.ToUpper(right) + `"`, "", false},
		{"of another secret", `"x-key:` + sign("y", c.ID(), "private-a", "") + `"`, "", false},
		{"of another channel", `"x-key:` + sign("x-secret", c.ID(), "private-b", "") + `"`, "", false},
		{"of another connection", `"x-key:` + sign("x-secret", other.ID(), "private-a", "") + `"`, "", false},
		{"without the channel_data", `"x-key:` + right + `"`, `{"n":1}`, false},
		{"with channel_data that is not there", `"x-key:` + sign("x-secret", c.ID(), "private-a", `{}`) + `"`, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			data := `{"channel":"private-a"`
			if tt.auth != "" {
				data += `,"auth":` + tt.auth
			}
			if tt.data != "" {
				data += `,"channel_data":` + string(pusher.AppendString(nil, tt.data))
			}
			c.Send(`{"event":"pusher:subscribe","data":` + data + `}}`)
			want := unauthorized
			if tt.ok {
				want = succeeded("private-a")
			}
			wantTexts(t, "client", c, want)
			wantClosed(t, "client", c, 0)
			c.Send(unsubscribe("private-a"))
		})
	}
}

// Decision 7: #server-to-user-{id} belongs to the user of that id.
func TestDecision07ServerToUser(t *testing.T) {
	for _, mode := range []apps.ClientEvents{apps.ClientEventsFromAll, apps.ClientEventsFromMembers} {
		t.Run(string(mode), func(t *testing.T) {
			s := newServer(t, asReverb, func(a *apps.Settings) { a.AcceptClientEventsFrom = mode })
			c := s.Connect("x")
			c.Send(subscribe("#server-to-user-1"))
			wantTexts(t, "subscribing", c, unauthorized)
			c.Subscribe("x-secret", "#server-to-user-1", "")
			wantTexts(t, "subscribing with a signature", c, unauthorized)
			c.Subscribe("x-secret", "presence-r", `{"user_id":"1"}`)
			c.Received()
			c.Send(subscribe("#server-to-user-1"))
			wantTexts(t, "a member of that id, who has not signed in", c, unauthorized)
			c.Send(`{"event":"client-x","channel":"#server-to-user-1","data":1}`)
			wantTexts(t, "whispering", c, notMember)
			s.Publish("x", "#server-to-user-1", "secret", "1")
			wantTexts(t, "when something is sent to the user", c)
			c.Send(subscribe("server-to-user-1"))
			wantTexts(t, "another name", c, succeeded("server-to-user-1"))
		})
	}
}

// Decision 8: what clients send is passed on byte for byte.
func TestDecision08ByteForByte(t *testing.T) {
	values := []struct{ name, value string }{
		{"an empty object", `{}`},
		{"an empty list", `[]`},
		{"an object like a list", `{"0":"a","1":"b"}`},
		{"white space", "{ \"a\" :\t[ 1 , 2 ]\n}"},
		{"a float", `1.0`},
		{"a big number", `123456789012345678901234567890`},
		{"an exponent", `-1.50E+3`},
		{"a string", `"plain"`},
		{"an empty string", `""`},
		{"a string of JSON", `"{\"k\":1}"`},
		{"slashes and escapes", `"a\/b \u00e9 é \ud83c\udf89 🎉"`},
		{"true", `true`},
		{"null", `null`},
		{"a repeated key", `{"a":1,"a":2}`},
	}
	for _, mode := range []apps.ClientEvents{apps.ClientEventsFromMembers, apps.ClientEventsFromAll} {
		s := newServer(t, func(a *apps.Settings) { a.AcceptClientEventsFrom = mode })
		a, b := s.Connect("x"), s.Connect("x")
		a.Send(subscribe("r"))
		b.Send(subscribe("r"))
		a.Received()
		b.Received()
		for _, tt := range values {
			t.Run(string(mode)+"/whisper/"+tt.name, func(t *testing.T) {
				a.Send(`{"event":"client-x","channel":"r","data":` + tt.value + `,"user_id":"forged","socket_id":"1.1","x":{}}`)
				wantTexts(t, "other", b, `{"event":"client-x","channel":"r","data":`+tt.value+`}`)
				wantTexts(t, "sender", a)
			})
		}
		t.Run(string(mode)+"/whisper/absent", func(t *testing.T) {
			a.Send(`{"event":"client-x","channel":"r"}`)
			wantTexts(t, "other", b, `{"event":"client-x","channel":"r","data":null}`)
		})
	}
	for _, tt := range values {
		if strings.ContainsAny(tt.value, "\n\t") {
			continue // in a string they are written as escapes, which decode to the same bytes
		}
		t.Run("user_info and more/"+tt.name, func(t *testing.T) {
			s := newServer(t)
			a, b := s.Connect("x"), s.Connect("x")
			a.Subscribe("x-secret", "presence-r", `{"user_id":"1"}`)
			a.Received()
			data := `{ "extra":` + tt.value + `, "user_info":` + tt.value + `,"user_id":2 }`
			b.Subscribe("x-secret", "presence-r", data)
			wantTexts(t, "member", a, internal("pusher_internal:member_added", data, "presence-r"))
			wantTexts(t, "newcomer", b, joined("presence-r", `"count":2,"ids":["1",2],"hash":{"1":{},"2":`+tt.value+`}`))
		})
	}
}

// Decision 8: the user_id of a whisper is the sender's own on that channel, with its type.
func TestDecision08TrueUserID(t *testing.T) {
	for _, mode := range []apps.ClientEvents{apps.ClientEventsFromMembers, apps.ClientEventsFromAll} {
		for _, id := range []string{`"ann"`, `7`, `0`, `"0"`, `"a\"b"`, `"\u00e9"`, `1.50`} {
			t.Run(string(mode)+"/"+id, func(t *testing.T) {
				s := newServer(t, func(a *apps.Settings) { a.AcceptClientEventsFrom = mode })
				a, b := s.Connect("x"), s.Connect("x")
				a.Subscribe("x-secret", "presence-other", `{"user_id":"elsewhere"}`)
				a.Subscribe("x-secret", "presence-r", `{"user_id":`+id+`}`)
				b.Subscribe("x-secret", "presence-r", `{"user_id":"b"}`)
				b.Received()
				a.Send(`{"event":"client-x","channel":"presence-r","data":{},"user_id":"forged"}`)
				wantTexts(t, "other", b, `{"event":"client-x","channel":"presence-r","data":{},"user_id":`+id+`}`)
			})
		}
	}
}

func TestWhispers(t *testing.T) {
	hello := func(channel string) string { return `{"event":"client-hi","channel":"` + channel + `","data":{"v":1}}` }
	tests := []struct {
		name    string
		mode    apps.ClientEvents
		joined  bool // the sender is subscribed
		channel string
		sender  []string
		other   []string
	}{
		{"a member", apps.ClientEventsFromMembers, true, "news", nil, []string{hello("news")}},
		{"a stranger", apps.ClientEventsFromMembers, false, "news", []string{notMember}, nil},
		{"to nowhere", apps.ClientEventsFromMembers, true, "nowhere", []string{notMember}, nil},
		{"all: a member", apps.ClientEventsFromAll, true, "news", nil, []string{hello("news")}},
		{"all: a stranger", apps.ClientEventsFromAll, false, "news", nil, []string{hello("news")}},
		{"all: to nowhere", apps.ClientEventsFromAll, false, "nowhere", nil, nil},
		{"none: a member", apps.ClientEventsFromNone, true, "news", []string{eventsOff}, nil},
		{"anything else is none", "some", true, "news", []string{eventsOff}, nil},
		{"nothing is none", "", true, "news", []string{eventsOff}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t, func(a *apps.Settings) { a.AcceptClientEventsFrom = tt.mode })
			a, b := s.Connect("x"), s.Connect("x")
			if tt.joined {
				a.Send(subscribe("news"))
			}
			b.Send(subscribe("news"))
			a.Received()
			b.Received()
			a.Send(hello(tt.channel))
			wantTexts(t, "sender", a, tt.sender...)
			wantTexts(t, "other", b, tt.other...)
		})
	}
}

// Decision 9: who is on a presence channel.
func TestDecision09Presence(t *testing.T) {
	type step struct {
		who, data string // channel_data; "" leaves
		mine      string // what who is told
		others    string // what the first member, "a", is told
	}
	removed := func(id string) string {
		return internal("pusher_internal:member_removed", `{"user_id":`+id+`}`, "presence-r")
	}
	added := func(data string) string { return internal("pusher_internal:member_added", data, "presence-r") }
	roster := func(s string) string { return joined("presence-r", s) }
	tests := []struct {
		name  string
		steps []step
	}{
		{"types are kept", []step{
			{"a", `{"user_id":10,"user_info":{"n":1}}`, roster(`"count":1,"ids":[10],"hash":{"10":{"n":1}}`), ""},
			{"b", `{"user_id":"11"}`, roster(`"count":2,"ids":[10,"11"],"hash":{"10":{"n":1},"11":{}}`), added(`{"user_id":"11"}`)},
			{"c", `{"user_id":12}`, roster(`"count":3,"ids":[10,"11",12],"hash":{"10":{"n":1},"11":{},"12":{}}`), added(`{"user_id":12}`)},
			{"b", "", "", removed(`"11"`)},
			{"c", "", "", removed(`12`)},
		}},
		{"1 and \"1\" are one user", []step{
			{"a", `{"user_id":"z"}`, roster(`"count":1,"ids":["z"],"hash":{"z":{}}`), ""},
			{"b", `{"user_id":1,"user_info":"first"}`, roster(`"count":2,"ids":["z",1],"hash":{"z":{},"1":"first"}`), added(`{"user_id":1,"user_info":"first"}`)},
			{"c", `{"user_id":"1","user_info":"second"}`, roster(`"count":2,"ids":["z",1],"hash":{"z":{},"1":"first"}`), ""},
			{"b", "", "", ""},
			{"c", "", "", removed(`"1"`)},
		}},
		{"the hash is an object, whatever the ids", []step{
			{"a", `{"user_id":0,"user_info":{}}`, roster(`"count":1,"ids":[0],"hash":{"0":{}}`), ""},
			{"b", `{"user_id":1,"user_info":[]}`, roster(`"count":2,"ids":[0,1],"hash":{"0":{},"1":[]}`), added(`{"user_id":1,"user_info":[]}`)},
		}},
		{"user_info is optional", []step{
			{"a", `{"user_id":"a"}`, roster(`"count":1,"ids":["a"],"hash":{"a":{}}`), ""},
			{"b", `{"user_id":"b","user_info":null}`, roster(`"count":2,"ids":["a","b"],"hash":{"a":{},"b":null}`), added(`{"user_id":"b","user_info":null}`)},
		}},
		{"0 and \"0\" are users like any other", []step{
			{"a", `{"user_id":"a"}`, roster(`"count":1,"ids":["a"],"hash":{"a":{}}`), ""},
			{"b", `{"user_id":"0"}`, roster(`"count":2,"ids":["a","0"],"hash":{"a":{},"0":{}}`), added(`{"user_id":"0"}`)},
			{"c", `{"user_id":0}`, roster(`"count":2,"ids":["a","0"],"hash":{"a":{},"0":{}}`), ""},
			{"c", "", "", ""},
			{"b", "", "", removed(`"0"`)},
		}},
		{"quotes and backslashes in an id", []step{
			{"a", `{"user_id":"a\"\\b"}`, roster(`"count":1,"ids":["a\"\\b"],"hash":{"a\"\\b":{}}`), ""},
		}},
		{"subscribing again replaces what is known, and nobody is told", []step{
			{"a", `{"user_id":"a"}`, roster(`"count":1,"ids":["a"],"hash":{"a":{}}`), ""},
			{"b", `{"user_id":"b"}`, roster(`"count":2,"ids":["a","b"],"hash":{"a":{},"b":{}}`), added(`{"user_id":"b"}`)},
			{"b", `{"user_id":"b","user_info":2}`, roster(`"count":2,"ids":["a","b"],"hash":{"a":{},"b":2}`), ""},
			{"b", "", "", removed(`"b"`)},
		}},
		{"no user_id is refused", []step{
			{"a", `{"user_id":"a"}`, roster(`"count":1,"ids":["a"],"hash":{"a":{}}`), ""},
			{"b", `{}`, noUserID, ""},
			{"b", `{"user_info":{}}`, noUserID, ""},
			{"b", `{"user_id":null}`, noUserID, ""},
			{"b", `{"user_id":""}`, noUserID, ""},
			{"b", `{"user_id":true}`, noUserID, ""},
			{"b", `{"user_id":["b"]}`, noUserID, ""},
			{"b", `{"user_id":{}}`, noUserID, ""},
			{"b", `"b"`, invalidFormat, ""},
			{"b", `{`, invalidFormat, ""},
			{"b", `{"user_id":"b"}`, roster(`"count":2,"ids":["a","b"],"hash":{"a":{},"b":{}}`), added(`{"user_id":"b"}`)},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t, asReverb)
			clients := map[string]*appstest.Client{"a": s.Connect("x"), "b": s.Connect("x"), "c": s.Connect("x")}
			for i, step := range tt.steps {
				c := clients[step.who]
				if step.data == "" {
					c.Send(unsubscribe("presence-r"))
				} else {
					c.Subscribe("x-secret", "presence-r", step.data)
				}
				want := map[string]string{step.who: step.mine}
				if step.who != "a" {
					want["a"] = step.others
				}
				for name, c := range clients {
					if name == "c" && step.who != "c" {
						c.Received() // what a is told, c is told when it is there
						continue
					}
					if name == "b" && step.who != "b" {
						c.Received()
						continue
					}
					var texts []string
					if want[name] != "" {
						texts = []string{want[name]}
					}
					wantTexts(t, fmt.Sprintf("step %d: %s", i, name), c, texts...)
				}
			}
		})
	}
}

// Decision 9: no channel_data at all is no user_id.
func TestDecision09NoChannelData(t *testing.T) {
	s := newServer(t, asReverb)
	c := s.Connect("x")
	c.Subscribe("x-secret", "presence-r", "")
	wantTexts(t, "client", c, noUserID)
	if s.Registry.ByID("x-id").Channels.Channel([]byte("presence-r")).Occupied() {
		t.Error("somebody is on the channel")
	}
}

// Decision 10: cache channels.
func TestDecision10Cache(t *testing.T) {
	event := func(channel, name string) string {
		return `{"event":"` + name + `","data":"1","channel":"` + channel + `"}`
	}
	joinCache := func(c *appstest.Client, channel string) { c.Subscribe("x-secret", channel, "") }
	for _, channel := range []string{"cache-c", "private-cache-c", "private-encrypted-cache-c"} {
		t.Run(channel, func(t *testing.T) {
			s := newServer(t)
			c := s.Connect("x")
			joinCache(c, channel)
			wantTexts(t, "before anything", c, succeeded(channel), cacheMiss(channel))
			s.Publish("x", channel, "first", "1")
			s.Publish("x", channel, "second", "1")
			wantTexts(t, "live", c, event(channel, "first"), event(channel, "second"))
			joinCache(c, channel)
			wantTexts(t, "again", c, succeeded(channel), event(channel, "second"))
			c.Send(unsubscribe(channel))
			s.Advance(29 * time.Second)
			joinCache(c, channel)
			wantTexts(t, "after everybody had gone", c, succeeded(channel), event(channel, "second"))
		})
	}
	t.Run("an event that nobody was there for", func(t *testing.T) {
		s := newServer(t)
		s.Publish("x", "cache-c", "e", "1")
		c := s.Connect("x")
		joinCache(c, "cache-c")
		wantTexts(t, "client", c, succeeded("cache-c"), event("cache-c", "e"))
		if got := s.Call("x", "GET", "/apps/x-id/channels", "").Body.String(); got != `{"channels":{"cache-c":{}}}` {
			t.Errorf("channels: %s", got)
		}
	})
	t.Run("a cached event does not make a channel occupied", func(t *testing.T) {
		s := newServer(t)
		s.Publish("x", "cache-c", "e", "1")
		if got := s.Call("x", "GET", "/apps/x-id/channels", "").Body.String(); got != `{"channels":{}}` {
			t.Errorf("channels: %s", got)
		}
		if got := s.Call("x", "GET", "/apps/x-id/channels/cache-c?info=cache", "").Body.String(); got != `{"occupied":false}` {
			t.Errorf("channel: %s", got)
		}
	})
	t.Run("other channels have no cache", func(t *testing.T) {
		s := newServer(t)
		s.Publish("x", "cached", "e", "1")
		c := s.Connect("x")
		joinCache(c, "cached")
		wantTexts(t, "client", c, succeeded("cached"))
	})
	t.Run("whispers are cached", func(t *testing.T) {
		s := newServer(t)
		a, b := s.Connect("x"), s.Connect("x")
		joinCache(a, "cache-c")
		a.Send(`{"event":"client-x","channel":"cache-c","data":{}}`)
		joinCache(b, "cache-c")
		wantTexts(t, "newcomer", b, succeeded("cache-c"), `{"event":"client-x","channel":"cache-c","data":{}}`)
	})
	t.Run("member events are not", func(t *testing.T) {
		s := newServer(t)
		a, b, c := s.Connect("x"), s.Connect("x"), s.Connect("x")
		a.Subscribe("x-secret", "presence-cache-c", `{"user_id":"a"}`)
		s.Publish("x", "presence-cache-c", "e", "1")
		b.Subscribe("x-secret", "presence-cache-c", `{"user_id":"b"}`)
		b.Drop()
		c.Subscribe("x-secret", "presence-cache-c", `{"user_id":"c"}`)
		wantTexts(t, "newcomer", c, joined("presence-cache-c", `"count":2,"ids":["a","c"],"hash":{"a":{},"c":{}}`), event("presence-cache-c", "e"))
	})
	t.Run("for cache_ttl and not longer", func(t *testing.T) {
		s := appstest.New(t, appstest.Options{Apps: []apps.Settings{appstest.App("x")}, CacheTTL: 10 * time.Second})
		s.Publish("x", "cache-c", "e", "1")
		s.Advance(10*time.Second - time.Millisecond)
		s.Hub.Sweep()
		early := s.Connect("x")
		joinCache(early, "cache-c")
		wantTexts(t, "just in time", early, succeeded("cache-c"), event("cache-c", "e"))
		s.Advance(time.Millisecond)
		late := s.Connect("x")
		joinCache(late, "cache-c")
		wantTexts(t, "too late", late, succeeded("cache-c"), cacheMiss("cache-c"))
		s.Hub.Sweep()
		joinCache(late, "cache-c")
		wantTexts(t, "swept", late, succeeded("cache-c"), cacheMiss("cache-c"))
	})
	t.Run("for half an hour unless configured", func(t *testing.T) {
		s := newServer(t, func(a *apps.Settings) { a.PingInterval = 24 * time.Hour })
		s.Publish("x", "cache-c", "e", "1")
		s.Advance(1800*time.Second - time.Millisecond)
		c := s.Connect("x")
		joinCache(c, "cache-c")
		wantTexts(t, "just in time", c, succeeded("cache-c"), event("cache-c", "e"))
		s.Advance(time.Millisecond)
		joinCache(c, "cache-c")
		wantTexts(t, "too late", c, succeeded("cache-c"), cacheMiss("cache-c"))
	})
	t.Run("within a memory limit", func(t *testing.T) {
		s := appstest.New(t, appstest.Options{Apps: []apps.Settings{appstest.App("x"), appstest.App("y")}, CacheBytes: 64 << 10})
		c := s.Connect("x")
		big := strings.Repeat("x", 8000)
		for i := range 50 {
			s.Publish("y", fmt.Sprintf("cache-%d", i), "e", big)
			s.Advance(time.Millisecond)
			s.Publish("x", fmt.Sprintf("cache-%d", i), "e", big)
			s.Advance(time.Millisecond)
		}
		var kept []int
		for i := range 50 {
			joinCache(c, fmt.Sprintf("cache-%d", i))
			if got := c.Received(); strings.Contains(got[1], big) {
				kept = append(kept, i)
			}
		}
		if n := len(kept); n == 0 || n > (64<<10)/8000 || kept[n-1] != 49 || kept[0] < 40 {
			t.Errorf("in 64 KiB the events %v of 50 are kept, of 8,000 bytes each", kept)
		}
	})
}

// Decision 2: over the limit the client is told, and with terminate_on_limit closed with 4301.
func TestDecision02RateLimit(t *testing.T) {
	limit := func(terminate bool) func(*apps.Settings) {
		return func(a *apps.Settings) {
			a.RateLimit = apps.RateLimit{Enabled: true, MaxAttempts: 2, Decay: 10 * time.Second, TerminateOnLimit: terminate}
		}
	}
	const pingEvent = `{"event":"pusher:ping"}`
	t.Run("told", func(t *testing.T) {
		s := newServer(t, limit(false))
		c, other := s.Connect("x"), s.Connect("x")
		c.Send(pingEvent, "nonsense", pingEvent, subscribe("news"))
		wantTexts(t, "client", c, pong, invalidFormat, rateLimited, rateLimited)
		wantClosed(t, "client", c, 0)
		other.Send(pingEvent)
		wantTexts(t, "another client", other, pong)
		c.Control(9) // control frames are free
		s.Advance(10 * time.Second)
		c.Send(pingEvent)
		wantTexts(t, "client in the next window", c, pong)
	})
	t.Run("terminated", func(t *testing.T) {
		s := newServer(t, limit(true))
		c := s.Connect("x")
		c.Send(pingEvent, pingEvent, pingEvent, subscribe("news"), pingEvent)
		wantTexts(t, "client", c, pong, pong, rateLimited)
		wantClosed(t, "client", c, 4301)
		if s.Registry.ByID("x-id").Connections() != 0 {
			t.Error("it is still counted")
		}
	})
	t.Run("off", func(t *testing.T) {
		s := newServer(t, limit(true), func(a *apps.Settings) { a.RateLimit.Enabled = false })
		c := s.Connect("x")
		c.Send(pingEvent, pingEvent, pingEvent)
		wantTexts(t, "client", c, pong, pong, pong)
	})
}

func TestMemberAddedComesBeforeWhatIsPublishedLater(t *testing.T) {
	s := newServer(t)
	a, b := s.Connect("x"), s.Connect("x")
	a.Subscribe("x-secret", "presence-r", `{"user_id":"a"}`)
	a.Received()
	b.Send(b.Subscription("x-secret", "presence-r", `{"user_id":"b"}`), `{"event":"client-x","channel":"presence-r","data":1}`, unsubscribe("presence-r"))
	wantTexts(t, "a", a,
		internal("pusher_internal:member_added", `{"user_id":"b"}`, "presence-r"),
		`{"event":"client-x","channel":"presence-r","data":1,"user_id":"b"}`,
		internal("pusher_internal:member_removed", `{"user_id":"b"}`, "presence-r"))
	wantTexts(t, "b", b, joined("presence-r", `"count":2,"ids":["a","b"],"hash":{"a":{},"b":{}}`))
}

func TestNothingComesAfterUnsubscribe(t *testing.T) {
	s := newServer(t)
	c := s.Connect("x")
	c.Send(subscribe("news"), unsubscribe("news"))
	wantTexts(t, "client", c, succeeded("news"))
	s.Publish("x", "news", "e", "1")
	wantTexts(t, "client", c)
	c.Send(subscribe("news"))
	s.Publish("x", "news", "e", "2")
	wantTexts(t, "client", c, succeeded("news"), `{"event":"e","data":"2","channel":"news"}`)
}
