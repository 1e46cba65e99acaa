package redis

import (
	"bytes"
	"reflect"
	"testing"
	"unicode/utf8"

	"reverbd/broadcast"
)

// Parsing ends for any message, and a message that is accepted can be encoded again.
func FuzzMessage(f *testing.F) {
	f.Add("rvb1p1:2:3:ann1:17:{\"user_id\":\"ann\"}")
	f.Add("rvb1p1:3:3:ann0:0:3:ben2:0:")
	f.Add(string(appendEnvelope(nil, kindEvent, envelope{origin: 1, number: 2, except: 3, payload: []byte("{}")})))
	f.Add(string(appendEnvelope(nil, kindCached, envelope{origin: 1, number: 2, payload: []byte("{}")})) + "00001700000000000001")
	f.Add(string(appendEnvelope(nil, kindTerminate, envelope{payload: appendTerminate("app", "1")})))
	f.Add(string(appendEnvelope(nil, kindCommand, envelope{payload: []byte(`{"App":"app","Action":"unsubscribe","User":"1","Channels":["a*"]}`)})))
	f.Add(string(appendControl(kindQuery, controlMessage{Origin: "a", ID: 1, Query: &broadcast.Query{App: "app", List: true}})))
	f.Add(string(appendControl(kindReply, controlMessage{Origin: "a", ID: 1, Result: &broadcast.QueryResult{Channels: []broadcast.ChannelInfo{{Name: "c", IDs: [][]byte{[]byte("1")}}}}})))
	f.Fuzz(func(t *testing.T, m string) {
		switch k := kindOf(m); k {
		case kindEvent, kindTerminate, kindCommand, kindCached:
			s, err := parseEnvelope(m, k == kindCached)
			if err != nil {
				return
			}
			if k == kindTerminate || k == kindCommand {
				if c, err := parseCommand(k, s.payload); err == nil {
					checkCommand(t, c)
				}
			}
			if !utf8.Valid(s.payload) {
				t.Fatal("the payload is not UTF-8")
			}
			again := appendEnvelope(nil, k, s)
			if k == kindCached {
				again = append(again, m[len(m)-offsetDigits:]...)
			}
			if !bytes.Equal(again, []byte(m)) {
				t.Fatalf("%q became %q", m, again)
			}
		case kindChanges:
			c, err := parseChanges(m)
			if err == nil && (c.version <= c.before || len(c.list) == 0) {
				t.Fatalf("%+v", c)
			}
		case kindQuery, kindReply, kindHello, kindGoodbye:
			l, err := parseControl(m)
			if err != nil {
				return
			}
			again, err := parseControl(string(appendControl(k, l)))
			if err != nil || !reflect.DeepEqual(l, again) {
				t.Fatalf("%+v became %+v, %v", l, again, err)
			}
		}
	})
}

func FuzzMember(f *testing.F) {
	f.Add("ann", "1:1700000000000000:{}")
	f.Fuzz(func(t *testing.T, user, value string) {
		m, _, err := parseMember(user, value)
		if err == nil && m.Nodes < 1 {
			t.Fatalf("%+v", m)
		}
	})
}

// checkCommand checks that a command that was accepted can be encoded again.
func checkCommand(t *testing.T, c broadcast.Command) {
	again, err := parseCommand(encodeCommand(c))
	if err != nil || c.Action != broadcast.ActionTerminate && !reflect.DeepEqual(again, c) {
		t.Fatalf("%+v became %+v, %v", c, again, err)
	}
}
