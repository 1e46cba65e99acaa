package pusher

import (
	"encoding/json"
	"errors"
	"testing"
)

func TestParseMember(t *testing.T) {
	for _, c := range []struct{ name, channelData, id, key, info string }{
		{"string", `{"user_id":"1","user_info":{"name":"Ann"}}`, `"1"`, "1", `{"name":"Ann"}`},
		{"number", `{"user_id":1,"user_info":{}}`, `1`, "1", `{}`},
		{"no info", `{"user_id":"a"}`, `"a"`, "a", ""},
		{"null info", `{"user_id":"a","user_info":null}`, `"a"`, "a", "null"},
		{"scalar info", `{"user_id":"a","user_info":[1.0, 2]}`, `"a"`, "a", "[1.0, 2]"},
		{"zero", `{"user_id":0}`, `0`, "0", ""},
		{"text zero", `{"user_id":"0"}`, `"0"`, "0", ""},
		{"negative", `{"user_id":-7}`, `-7`, "-7", ""},
		{"beyond 64 bits", `{"user_id":123456789012345678901234567890}`, `123456789012345678901234567890`, "123456789012345678901234567890", ""},
		{"escapes", `{"user\u005fid":"\u00e9\"\ud83d\ude00"}`, `"\u00e9\"\ud83d\ude00"`, `é"😀`, ""},
		{"other members", `{"x":1,"user_id":1,"y":{}}`, `1`, "1", ""},
		{"last one wins", `{"user_id":null,"user_id":2}`, `2`, "2", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := []byte(c.channelData)
			m, err := ParseMember(p)
			if err != nil {
				t.Fatal(err)
			}
			if string(m.ID) != c.id || string(m.Key) != c.key || string(m.Info) != c.info {
				t.Errorf("got %q", m)
			}
			if (m.Info == nil) != (c.info == "") {
				t.Errorf("info is %v", m.Info)
			}
			if string(p) != c.channelData {
				t.Errorf("channel_data is now %s", p)
			}
		})
	}
}

func TestParseMemberRefuses(t *testing.T) {
	for _, c := range []struct {
		name, channelData string
		err               error
	}{
		{"nothing", ``, ErrInvalidMessage},
		{"not JSON", `ann`, ErrInvalidMessage},
		{"array", `[]`, ErrInvalidMessage},
		{"zero", `0`, ErrInvalidMessage},
		{"string", `"{\"user_id\":1}"`, ErrInvalidMessage},
		{"malformed", `{"user_id":1,}`, ErrInvalidMessage},
		{"something behind", `{"user_id":1}1`, ErrInvalidMessage},
		{"no user_id", `{"user_info":{}}`, ErrNoUserID},
		{"null", `{"user_id":null}`, ErrNoUserID},
		{"empty", `{"user_id":""}`, ErrNoUserID},
		{"true", `{"user_id":true}`, ErrNoUserID},
		{"false", `{"user_id":false}`, ErrNoUserID},
		{"array for an id", `{"user_id":[1]}`, ErrNoUserID},
		{"object for an id", `{"user_id":{}}`, ErrNoUserID},
	} {
		t.Run(c.name, func(t *testing.T) {
			if m, err := ParseMember([]byte(c.channelData)); !errors.Is(err, c.err) || m.ID != nil {
				t.Errorf("got %q, %v", m, err)
			}
		})
	}
}

func TestParseMemberDoesNotAllocate(t *testing.T) {
	p := []byte(`{"user_id":"17","user_info":{"name":"Ann"}}`)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := ParseMember(p); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzMember(f *testing.F) {
	for _, seed := range []string{
		`{"user_id":"1","user_info":{"name":"Ann"}}`, `{"user_id":-1.5e3}`, `{"user_id":"\u0030\ud800"}`, `{"user_id":""}`,
		`{"user_id":null,"user_info":[]}`, `{}`, `[]`, `{"user_id":true}`, `{"user\u005fid":7}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		before := string(p)
		m, err := ParseMember(p)
		if string(p) != before {
			t.Fatal("channel_data was written to")
		}
		var members map[string]json.RawMessage
		var id any
		switch {
		case !validByLibrary(p) || json.Unmarshal(p, &members) != nil || members == nil:
			if !errors.Is(err, ErrInvalidMessage) {
				t.Fatalf("%q: %v", p, err)
			}
			return
		case members["user_id"] != nil && members["user_id"][0] == '"':
			_ = json.Unmarshal(members["user_id"], &id)
		case members["user_id"] != nil && members["user_id"][0] <= '9':
			id = string(members["user_id"])
		}
		if key, _ := id.(string); key != string(m.Key) || (key == "") != errors.Is(err, ErrNoUserID) {
			t.Fatalf("%q: key %q, %v, want %q", p, m.Key, err, key)
		}
		if err == nil && (string(m.ID) != string(members["user_id"]) || string(m.Info) != string(members["user_info"])) {
			t.Errorf("%q: got %q", p, m)
		}
	})
}
