package apps_test

import (
	"strings"
	"testing"
)

const noChannels = `"channels":["The channels field is required when channel is not present."],"channel":["The channel field is required when channels is not present."]`

var tooLong = strings.Repeat("x", 201)

// Decision 13: 422 is Laravel's message bag, in the order of its rules.
func TestDecision13EventMessages(t *testing.T) {
	s := newServer(t)
	tests := []struct{ name, body, want string }{
		{"nothing at all", `{}`, `{"name":["The name field is required."],"data":["The data field is required."],` + noChannels + `}`},
		{"name missing", `{"data":"1","channel":"c"}`, `{"name":["The name field is required."]}`},
		{"name null", `{"name":null,"data":"1","channel":"c"}`, `{"name":["The name field is required."]}`},
		{"name empty", `{"name":"","data":"1","channel":"c"}`, `{"name":["The name field is required."]}`},
		{"name blank", `{"name":" \t\n\r\u0000\u000b","data":"1","channel":"c"}`, `{"name":["The name field is required."]}`},
		{"name a number", `{"name":1,"data":"1","channel":"c"}`, `{"name":["The name field must be a string."]}`},
		{"name a boolean", `{"name":false,"data":"1","channel":"c"}`, `{"name":["The name field must be a string."]}`},
		{"name an empty list", `{"name":[ ],"data":"1","channel":"c"}`, `{"name":["The name field is required."]}`},
		{"name a list", `{"name":["e"],"data":"1","channel":"c"}`, `{"name":["The name field must be a string."]}`},
		{"data missing", `{"name":"e","channel":"c"}`, `{"data":["The data field is required."]}`},
		{"data null", `{"name":"e","data":null,"channel":"c"}`, `{"data":["The data field is required."]}`},
		{"data empty", `{"name":"e","data":"","channel":"c"}`, `{"data":["The data field is required."]}`},
		{"data blank", `{"name":"e","data":"  ","channel":"c"}`, `{"data":["The data field is required."]}`},
		{"data an object", `{"name":"e","data":{"a":1},"channel":"c"}`, `{"data":["The data field must be a string."]}`},
		{"data an empty object", `{"name":"e","data":{},"channel":"c"}`, `{"data":["The data field is required."]}`},
		{"data a number", `{"name":"e","data":0,"channel":"c"}`, `{"data":["The data field must be a string."]}`},
		{"no channel", `{"name":"e","data":"1"}`, `{` + noChannels + `}`},
		{"channels and channel null", `{"name":"e","data":"1","channels":null,"channel":null}`, `{` + noChannels + `}`},
		{"channels empty", `{"name":"e","data":"1","channels":[]}`, `{` + noChannels + `}`},
		{"channel empty", `{"name":"e","data":"1","channel":""}`, `{` + noChannels + `}`},
		{"channel blank", `{"name":"e","data":"1","channel":" "}`, `{` + noChannels + `}`},
		{"channels a string", `{"name":"e","data":"1","channels":"c"}`, `{"channels":["The channels field must be an array."]}`},
		{"channels null beside a channel", `{"name":"e","data":"1","channels":null,"channel":"c"}`, `{"channels":["The channels field must be an array."]}`},
		{"channel a number", `{"name":"e","data":"1","channel":5}`, `{"channel":["The channel field must be a string."]}`},
		{"channel null beside channels", `{"name":"e","data":"1","channels":["c"],"channel":null}`, `{"channel":["The channel field must be a string."]}`},
		{"channel a list", `{"name":"e","data":"1","channel":["c"]}`, `{"channel":["The channel field must be a string."]}`},
		{"a channel that is no string", `{"name":"e","data":"1","channels":["c",5,[]]}`, `{"channels.1":["The channels.1 field must be a string."],"channels.2":["The channels.2 field must be a string."]}`},
		{"socket_id a number", `{"name":"e","data":"1","channel":"c","socket_id":5}`, `{"socket_id":["The socket id field must be a string."]}`},
		{"socket_id null", `{"name":"e","data":"1","channel":"c","socket_id":null}`, `{"socket_id":["The socket id field must be a string."]}`},
		{"info a list", `{"name":"e","data":"1","channel":"c","info":["user_count"]}`, `{"info":["The info field must be a string."]}`},
		{"info null", `{"name":"e","data":"1","channel":"c","info":null}`, `{"info":["The info field must be a string."]}`},
		{"a repeated field: the last counts", `{"name":"e","name":1,"data":"1","channel":"c"}`, `{"name":["The name field must be a string."]}`},
		{
			"everything wrong, in another order", `{"info":1,"socket_id":2,"channel":3,"channels":4,"data":5,"name":6}`,
			`{"name":["The name field must be a string."],"data":["The data field must be a string."],` +
				`"channels":["The channels field must be an array."],"channel":["The channel field must be a string."],` +
				`"socket_id":["The socket id field must be a string."],"info":["The info field must be a string."]}`,
		},
		// Decision 6: not a name that a channel can have.
		{"a channel too long", `{"name":"e","data":"1","channel":"` + tooLong + `"}`, `{"channel":["The channel field format is invalid."]}`},
		{"a channel with a line feed", `{"name":"e","data":"1","channels":["c","a\nb",""]}`, `{"channels.1":["The channels.1 field format is invalid."],"channels.2":["The channels.2 field format is invalid."]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wantReply(t, s.Call("x", "POST", "/apps/x-id/events", tt.body), 422, "application/json", tt.want)
		})
	}
}

func TestDecision13BatchMessages(t *testing.T) {
	s := newServer(t)
	c := s.Connect("x")
	c.Send(subscribe("c"))
	c.Received()
	const good = `{"name":"e","data":"1","channel":"c"}`
	tests := []struct{ name, body, want string }{
		{"no batch", `{}`, `{"batch":["The batch field is required."]}`},
		{"batch null", `{"batch":null}`, `{"batch":["The batch field is required."]}`},
		{"batch empty", `{"batch":[]}`, `{"batch":["The batch field is required."]}`},
		{"batch a string", `{"batch":"x"}`, `{"batch":["The batch field must be an array."]}`},
		{"batch a number", `{"batch":1}`, `{"batch":["The batch field must be an array."]}`},
		{"name missing", `{"batch":[{"data":"1","channel":"c"}]}`, `{"batch.0.name":["The batch.0.name field is required."]}`},
		{"name a number", `{"batch":[{"name":1,"data":"1","channel":"c"}]}`, `{"batch.0.name":["The batch.0.name field must be a string."]}`},
		{"data an object in the second", `{"batch":[` + good + `,{"name":"e","data":{"a":1},"channel":"c"}]}`, `{"batch.1.data":["The batch.1.data field must be a string."]}`},
		{"channel missing", `{"batch":[{"name":"e","data":"1"}]}`, `{"batch.0.channel":["The batch.0.channel field is required when channels is not present."]}`},
		{"channels do not help", `{"batch":[{"name":"e","data":"1","channels":["c"]}]}`, `{"batch.0.channel":["The batch.0.channel field is required when channels is not present."]}`},
		{"channel a number", `{"batch":[{"name":"e","data":"1","channel":1}]}`, `{"batch.0.channel":["The batch.0.channel field must be a string."]}`},
		{"socket_id null", `{"batch":[{"name":"e","data":"1","channel":"c","socket_id":null}]}`, `{"batch.0.socket_id":["The batch.0.socket id field must be a string."]}`},
		{"info a number", `{"batch":[{"name":"e","data":"1","channel":"c","info":1}]}`, `{"batch.0.info":["The batch.0.info field must be a string."]}`},
		{
			"an item that is no object", `{"batch":[5]}`,
			`{"batch.0.name":["The batch.0.name field is required."],"batch.0.data":["The batch.0.data field is required."],` +
				`"batch.0.channel":["The batch.0.channel field is required when channels is not present."]}`,
		},
		{
			"rule by rule, not item by item", `{"batch":[{"channel":"c","info":1},` + good + `,{"data":1,"socket_id":1}]}`,
			`{"batch.0.name":["The batch.0.name field is required."],"batch.2.name":["The batch.2.name field is required."],` +
				`"batch.0.data":["The batch.0.data field is required."],"batch.2.data":["The batch.2.data field must be a string."],` +
				`"batch.2.channel":["The batch.2.channel field is required when channels is not present."],` +
				`"batch.2.socket_id":["The batch.2.socket id field must be a string."],` +
				`"batch.0.info":["The batch.0.info field must be a string."]}`,
		},
		{"a name that no channel has", `{"batch":[{"name":"e","data":"1","channel":"a\u0000"}]}`, `{"batch.0.channel":["The batch.0.channel field format is invalid."]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wantReply(t, s.Call("x", "POST", "/apps/x-id/batch_events", tt.body), 422, "application/json", tt.want)
			wantTexts(t, "a subscriber", c) // all or nothing
		})
	}
}

func TestWhatIsNotValidated(t *testing.T) {
	tests := []struct{ name, body string }{
		{"unknown fields", `{"name":"e","data":"1","channel":"c","tags":{"a":1},"idempotency_key":5}`},
		{"an empty socket_id", `{"name":"e","data":"1","channel":"c","socket_id":""}`},
		{"a socket_id of nobody", `{"name":"e","data":"1","channel":"c","socket_id":"1.2"}`},
		{"a socket_id that is none", `{"name":"e","data":"1","channel":"c","socket_id":"nobody"}`},
		{"white space of other scripts is a name", `{"name":"\u00a0","data":"\u00a0","channel":"c"}`},
		{"a hundred channels", `{"name":"e","data":"1","channels":["c"` + strings.Repeat(`,"d"`, 99) + `]}`},
		{"data of any length", `{"name":"e","data":"` + strings.Repeat("1", 9_000) + `","channel":"c"}`},
		{"a name of any length", `{"name":"` + strings.Repeat("e", 500) + `","data":"1","channel":"c"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t)
			c := s.Connect("x")
			c.Send(subscribe("c"))
			c.Received()
			wantReply(t, s.Call("x", "POST", "/apps/x-id/events", tt.body), 200, "application/json", "{}")
			if got := c.Received(); len(got) != 1 {
				t.Errorf("a subscriber got %q", got)
			}
		})
	}
}
