package pusher

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// The messages that clients send most.
const (
	ping      = `{"event":"pusher:ping","data":{}}`
	whisper   = `{"event":"client-typing","data":{"user":{"id":17,"name":"Ann Smith"},"typing":true},"channel":"private-chat.1847"}`
	subscribe = `{"event":"pusher:subscribe","data":{"auth":"app-key:58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4","channel":"private-orders.1847"}}`
)

func TestParse(t *testing.T) {
	const absent = "(absent)"
	for _, c := range []struct{ name, text, event, channel, data string }{
		{"ping", `{"event":"pusher:ping"}`, "pusher:ping", absent, absent},
		{"whisper", whisper, "client-typing", "private-chat.1847", `{"user":{"id":17,"name":"Ann Smith"},"typing":true}`},
		{"data byte for byte", `{"event":"e","data": { "0" : 1.0, "a":[ ] } }`, "e", absent, `{ "0" : 1.0, "a":[ ] }`},
		{"empty object", `{"event":"e","data":{}}`, "e", absent, `{}`},
		{"string data stays a token", `{"event":"e","data":"{\"k\":1}"}`, "e", absent, `"{\"k\":1}"`},
		{"scalar data", `{"event":"e","data":12345678901234567890}`, "e", absent, `12345678901234567890`},
		{"null data", `{"event":"e","data":null}`, "e", absent, `null`},
		{"null channel", `{"event":"e","channel":null}`, "e", absent, absent},
		{"empty channel", `{"event":"e","channel":""}`, "e", "", absent},
		{"escapes", `{"\u0065vent":"client-\u00e9\/","channel":"c\"","data":"\u00e9"}`, "client-é/", `c"`, `"\u00e9"`},
		{"last one wins", `{"event":1,"event":"a","event":"b","channel":5,"channel":"c","data":1,"data":2}`, "b", "c", "2"},
		{"other members", `{"event":"e","user_id":"forged","x":[{}]}`, "e", absent, absent},
		{"keys are case-sensitive", `{"event":"e","Event":"f","DATA":1}`, "e", absent, absent},
		{"space around", " {\"event\" : \"e\"}\r\n", "e", absent, absent},
		{"non-breaking space is not blank", `{"event":"\u00a0"}`, "\u00a0", absent, absent},
		{"lone surrogate", `{"event":"\ud800"}`, "\ufffd", absent, absent},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := Parse([]byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			show := func(p []byte) string {
				if p == nil {
					return absent
				}
				return string(p)
			}
			if string(m.Event) != c.event || show(m.Channel) != c.channel || show(m.Data) != c.data {
				t.Errorf("event %q, channel %s, data %s", m.Event, show(m.Channel), show(m.Data))
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ name, text string }{
		{"nothing", ``},
		{"not JSON", `hello`},
		{"number", `1`},
		{"string", `"{\"event\":\"e\"}"`},
		{"null", `null`},
		{"array", `[{"event":"e"}]`},
		{"no event", `{}`},
		{"null event", `{"event":null}`},
		{"number for event", `{"event":1}`},
		{"array for event", `{"event":["e"]}`},
		{"object for event", `{"event":{}}`},
		{"empty event", `{"event":""}`},
		{"blank event", `{"event":" \t\n\r\u0000\u000b"}`},
		{"number for channel", `{"event":"e","channel":5}`},
		{"bool for channel", `{"event":"e","channel":true}`},
		{"array for channel", `{"event":"e","channel":[]}`},
		{"last one wins", `{"event":"e","event":2}`},
		{"cut short", `{"event":"e"`},
		{"something behind", `{"event":"e"} {}`},
		{"malformed data", `{"event":"e","data":{"a":}}`},
		{"malformed other member", `{"event":"e","x":01}`},
		{"invalid UTF-8", "{\"event\":\"e\",\"data\":\"\xff\"}"},
		{"too deep", `{"event":"e","data":` + nested(MaxDepth) + `}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := Parse([]byte(c.text))
			if !errors.Is(err, ErrInvalidMessage) {
				t.Errorf("got %+v, %v", m, err)
			}
			if m.Event != nil || m.Channel != nil || m.Data != nil {
				t.Errorf("an error and %+v", m)
			}
		})
	}
}

func TestErrInvalidMessageIsAWireError(t *testing.T) {
	wire, ok := errors.AsType[*Error](ErrInvalidMessage)
	if !ok || wire != ErrInvalidFormat {
		t.Errorf("got %v", wire)
	}
}

func TestMessagePrefixes(t *testing.T) {
	for _, c := range []struct {
		event               string
		pusher, clientEvent bool
	}{
		{"pusher:ping", true, false},
		{"pusher:", true, false},
		{"pusher", false, false},
		{"pusher_internal:member_removed", false, false},
		{"client-typing", false, true},
		{"client-", false, true},
		{"client", false, false},
		{"Client-x", false, false},
		{"hello", false, false},
	} {
		m := Message{Event: []byte(c.event)}
		if m.IsPusher() != c.pusher || m.IsClientEvent() != c.clientEvent {
			t.Errorf("%s: %v, %v", c.event, m.IsPusher(), m.IsClientEvent())
		}
	}
}

func TestParseDoesNotAllocate(t *testing.T) {
	for _, text := range []string{ping, whisper, subscribe, `{"event":"client-\u00e9","channel":"\"","data":1}`} {
		p := make([]byte, len(text))
		if n := testing.AllocsPerRun(100, func() {
			copy(p, text)
			m, err := Parse(p)
			if err != nil {
				t.Fatal(err)
			}
			if string(m.Event) == EventSubscribe {
				if _, err := ParseSubscribe(m.Data); err != nil {
					t.Fatal(err)
				}
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", text, n)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		ping, whisper, subscribe, `{"event":"pusher:subscribe","data":"{\"channel\":\"news\"}"}`,
		`{"\u0065vent":"a","event":"b\n","channel":null,"data":{}}`, `{"event":1}`, `[]`, `null`, `{"event":" "}`, "{\"event\":\"\xff\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		original := string(p)
		want, wantOK := parseByLibrary([]byte(original))
		got, err := Parse(p)
		if wantOK != (err == nil) {
			t.Fatalf("Parse(%q): %v, the library says %v", original, err, wantOK)
		}
		if string(got.Event) != string(want.Event) || string(got.Channel) != string(want.Channel) || string(got.Data) != string(want.Data) ||
			(got.Channel == nil) != (want.Channel == nil) || (got.Data == nil) != (want.Data == nil) {
			t.Errorf("Parse(%q) = %q, want %q", original, got, want)
		}
		_, _ = ParseSubscribe([]byte(string(got.Data)))   // must not panic
		_, _ = ParseUnsubscribe([]byte(string(got.Data))) // nor this
	})
}

// parseByLibrary is Parse by way of encoding/json.
func parseByLibrary(p []byte) (Message, bool) {
	var members map[string]json.RawMessage
	if !validByLibrary(p) || json.Unmarshal(p, &members) != nil {
		return Message{}, false
	}
	var event, channel *string
	if json.Unmarshal(members["event"], &event) != nil || event == nil || strings.Trim(*event, " \t\n\r\x00\x0b") == "" {
		return Message{}, false
	}
	m := Message{Event: []byte(*event), Data: members["data"]}
	if token := members["channel"]; token != nil {
		if json.Unmarshal(token, &channel) != nil {
			return Message{}, false
		}
		if channel != nil {
			m.Channel = []byte(*channel)
		}
	}
	return m, true
}

func BenchmarkParse(b *testing.B) {
	for _, c := range []struct{ name, text string }{
		{"ping", ping}, {"whisper", whisper}, {"subscribe", subscribe},
	} {
		b.Run(c.name, func(b *testing.B) {
			p := []byte(c.text)
			b.SetBytes(int64(len(p)))
			b.ReportAllocs()
			for b.Loop() {
				m, err := Parse(p)
				if err != nil {
					b.Fatal(err)
				}
				if len(m.Data) > 2 && m.IsPusher() {
					_, _ = ParseSubscribe(m.Data)
				}
			}
		})
	}
}

// The same whisper through encoding/json, to compare with.
func BenchmarkParseByLibrary(b *testing.B) {
	p := []byte(whisper)
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := parseByLibrary(p); !ok {
			b.Fatal("refused")
		}
	}
}
