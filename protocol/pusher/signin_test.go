package pusher

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestParseSignIn(t *testing.T) {
	tests := []struct{ name, data, auth, user string }{
		{"an object", `{"auth":"k:s","user_data":"{\"id\":\"1\"}"}`, "k:s", `{"id":"1"}`},
		{"in a string", `"{\"auth\":\"k:s\",\"user_data\":\"{}\"}"`, "k:s", `{}`},
		{"without auth", `{"user_data":"x"}`, "", "x"},
		{"without user_data", `{"auth":"k:s"}`, "", ""},
		{"user_data is an object", `{"auth":"k:s","user_data":{"id":"1"}}`, "", ""},
		{"auth is a number", `{"auth":1,"user_data":"{}"}`, "", ""},
		{"a list", `[]`, "", ""},
		{"nothing", ``, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := ParseSignIn([]byte(tt.data))
			if string(s.Auth) != tt.auth || string(s.UserData) != tt.user || (err == nil) != (tt.user != "") {
				t.Errorf("got %q %q %v", s.Auth, s.UserData, err)
			}
		})
	}
}

// The example of Pusher's page on user authentication: socket 1234.1234, secret 7ad3773142a6692b25b8.
func TestUserSignature(t *testing.T) {
	id, _ := ParseSocketID([]byte("1234.1234"))
	data := []byte(`{"id":"12345"}`)
	const want = "4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba"
	if got := UserSignature("7ad3773142a6692b25b8", id, data); got != want {
		t.Errorf("got %s", got)
	}
	for auth, ok := range map[string]bool{"key:" + want: true, want: true, "key:" + want[1:]: false, "": false, "key:": false} {
		if VerifyUser("7ad3773142a6692b25b8", []byte(auth), id, data) != ok {
			t.Errorf("VerifyUser(%q) is not %v", auth, ok)
		}
	}
}

func TestParseUser(t *testing.T) {
	tests := []struct {
		name, data, key, member string
		watchlist               []string
	}{
		{"a string", `{"id":"1"}`, "1", `{"user_id":"1"}`, nil},
		{"a number", `{"id":7,"user_info":{"n":[]}}`, "7", `{"user_id":7,"user_info":{"n":[]}}`, nil},
		{"more", `{"name":"x","id":"a\"b","watchlist":["2",3,"2"]}`, `a"b`, `{"user_id":"a\"b"}`, []string{"2", "3"}},
		{"an empty watchlist", `{"id":"1","watchlist":[]}`, "1", `{"user_id":"1"}`, nil},
		{"no watchlist", `{"id":"1","watchlist":null}`, "1", `{"user_id":"1"}`, nil},
		{"a watchlist that is none", `{"id":"1","watchlist":{}}`, "", "", nil},
		{"watching nobody", `{"id":"1","watchlist":[""]}`, "", "", nil},
		{"no id", `{"user_id":"1"}`, "", "", nil},
		{"an empty id", `{"id":""}`, "", "", nil},
		{"true", `{"id":true}`, "", "", nil},
		{"no object", `"1"`, "", "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u, err := ParseUser([]byte(tt.data))
			if tt.key == "" {
				if !errors.Is(err, ErrInvalidFormat) {
					t.Errorf("got %+v, %v", u, err)
				}
				return
			}
			if string(u.Key) != tt.key || string(u.AppendMember(nil)) != tt.member || !slices.Equal(u.Watchlist, tt.watchlist) {
				t.Errorf("got %s %s %q", u.Key, u.AppendMember(nil), u.Watchlist)
			}
		})
	}
}

func TestAppendSignInSuccess(t *testing.T) {
	for data, want := range map[string]string{
		`{"id":"1","name":"\"x\""}`: `{"event":"pusher:signin_success","data":"{\"user_data\":\"{\\\"id\\\":\\\"1\\\",\\\"name\\\":\\\"\\\\\\\"x\\\\\\\"\\\"}\"}"}`,
		`{ "name":"x", "id": 12 }`:  `{"event":"pusher:signin_success","data":"{\"user_data\":\"{\\\"name\\\":\\\"x\\\",\\\"id\\\":\\\"12\\\"}\"}"}`,
	} {
		u, err := ParseUser([]byte(data))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(AppendSignInSuccess(nil, []byte(data), u)); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestAppendWatchlist(t *testing.T) {
	tests := []struct {
		online, offline []string
		want            string
	}{
		{[]string{"1", `a"`}, []string{"2"}, `{\"events\":[{\"name\":\"online\",\"user_ids\":[\"1\",\"a\\\"\"]},{\"name\":\"offline\",\"user_ids\":[\"2\"]}]}`},
		{[]string{"1"}, nil, `{\"events\":[{\"name\":\"online\",\"user_ids\":[\"1\"]}]}`},
		{nil, []string{"2"}, `{\"events\":[{\"name\":\"offline\",\"user_ids\":[\"2\"]}]}`},
	}
	for _, tt := range tests {
		want := `{"event":"pusher_internal:watchlist_events","data":"` + tt.want + `"}`
		if got := string(AppendWatchlist(nil, tt.online, tt.offline)); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// No client can name the channel that says who is online.
func TestOnlineChannel(t *testing.T) {
	name := OnlineChannel("7")
	if ValidName(name) || !KindOf(name).IsOnline() || !KindOf(name).IsPresence() || OnlineUser(name) != "7" {
		t.Errorf("%q is valid or of kind %v", name, KindOf(name))
	}
}

// Whatever user_data is, the confirmation is valid JSON with a string for an id, and the same otherwise.
func FuzzSignIn(f *testing.F) {
	f.Add(`{"auth":"k:s","user_data":"{\"id\":1,\"watchlist\":[2]}"}`)
	f.Add(`{"user_data":"{\"id\":\"a\",\"id\":-1e3,\"user_info\":{}}"}`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSignIn([]byte(text))
		if err != nil {
			return
		}
		data := strings.Clone(string(s.UserData))
		u, err := ParseUser(s.UserData)
		if err != nil {
			return
		}
		if string(s.UserData) != data {
			t.Fatalf("user_data was changed to %q", s.UserData)
		}
		var m struct{ Data string }
		var inner struct {
			UserData string `json:"user_data"`
		}
		var user struct{ ID any }
		if json.Unmarshal(AppendSignInSuccess(nil, s.UserData, u), &m) != nil || json.Unmarshal([]byte(m.Data), &inner) != nil {
			t.Fatalf("%q is confirmed with %q", text, m.Data)
		}
		if err := json.Unmarshal([]byte(inner.UserData), &user); err != nil {
			t.Fatalf("%q: %v", inner.UserData, err)
		}
		if _, ok := user.ID.(string); !ok {
			t.Fatalf("the id is %v", user.ID)
		}
		if !json.Valid(u.AppendMember(nil)) {
			t.Fatalf("channel_data is %q", u.AppendMember(nil))
		}
	})
}
