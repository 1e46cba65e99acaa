package pusher

import (
	"encoding/json"
	"slices"
	"testing"
)

func TestAppend(t *testing.T) {
	members := func(channelData ...string) []Member {
		var all []Member
		for _, text := range channelData {
			m, err := ParseMember([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, m)
		}
		return all
	}
	ann, ben := `{"user_id":10,"user_info":{"n":1}}`, `{"user_id":"b\"\u00e9","user_info":"\\"}`
	presence := func(all []Member) []byte {
		return AppendPresenceSucceeded(nil, "presence-c", rosterOf(all))
	}
	for _, c := range []struct {
		name string
		got  []byte
		want string
	}{
		{"connection established", AppendConnectionEstablished(nil, newSocketID(829374, 55812), 30),
			`{"event":"pusher:connection_established","data":"{\"socket_id\":\"829374.55812\",\"activity_timeout\":30}"}`},
		{"ping", AppendPing(nil), `{"event":"pusher:ping"}`},
		{"pong", AppendPong(nil), `{"event":"pusher:pong"}`},
		{"error", AppendError(nil, 4001, "Application does not exist"),
			`{"event":"pusher:error","data":{"code":4001,"message":"Application does not exist"}}`},
		{"error with quotes", AppendError(nil, 4009, "say \"why\"\n"),
			`{"event":"pusher:error","data":{"code":4009,"message":"say \"why\"\n"}}`},
		{"error as text", AppendErrorText(nil, 4001, "Application does not exist"),
			`{"event":"pusher:error","data":"{\"code\":4001,\"message\":\"Application does not exist\"}"}`},
		{"subscription error", AppendSubscriptionError(nil, "private-\"c", "say \"why\"", 401),
			`{"event":"pusher:subscription_error","data":{"type":"AuthError","error":"say \"why\"","status":401},"channel":"private-\"c"}`},
		{"subscription count", AppendSubscriptionCount(nil, "c", 12),
			`{"event":"pusher_internal:subscription_count","data":"{\"subscription_count\":12}","channel":"c"}`},
		{"error as text with quotes", AppendErrorText(nil, 4009, "say \"why\"\n"),
			`{"event":"pusher:error","data":"{\"code\":4009,\"message\":\"say \\\"why\\\"\\n\"}"}`},
		{"subscription succeeded", AppendSubscriptionSucceeded(nil, "c"),
			`{"event":"pusher_internal:subscription_succeeded","data":"{}","channel":"c"}`},
		{"subscription succeeded, zero", AppendSubscriptionSucceeded(nil, "0"),
			`{"event":"pusher_internal:subscription_succeeded","data":"{}","channel":"0"}`},
		{"presence, nobody", presence(nil),
			`{"event":"pusher_internal:subscription_succeeded","data":"{\"presence\":{\"count\":0,\"ids\":[],\"hash\":{}}}","channel":"presence-c"}`},
		{"presence, one", presence(members(ann)),
			`{"event":"pusher_internal:subscription_succeeded","data":"{\"presence\":{\"count\":1,\"ids\":[10],\"hash\":{\"10\":{\"n\":1}}}}","channel":"presence-c"}`},
		{"presence, numbers and text", presence(members(ann, ben, `{"user_id":"0"}`)),
			`{"event":"pusher_internal:subscription_succeeded","data":"{\"presence\":{\"count\":3,\"ids\":[10,\"b\\\"\\u00e9\",\"0\"],` +
				`\"hash\":{\"10\":{\"n\":1},\"b\\\"\\u00e9\":\"\\\\\",\"0\":{}}}}","channel":"presence-c"}`},
		{"member added", AppendMemberAdded(nil, "presence-c", []byte(`{"user_id":2, "x":{}}`)),
			`{"event":"pusher_internal:member_added","data":"{\"user_id\":2, \"x\":{}}","channel":"presence-c"}`},
		{"member removed, number", AppendMemberRemoved(nil, "presence-c", []byte(`3`)),
			`{"event":"pusher_internal:member_removed","data":"{\"user_id\":3}","channel":"presence-c"}`},
		{"member removed, text", AppendMemberRemoved(nil, "presence-c", []byte(`"3"`)),
			`{"event":"pusher_internal:member_removed","data":"{\"user_id\":\"3\"}","channel":"presence-c"}`},
		{"cache miss", AppendCacheMiss(nil, "cache-c"), `{"event":"pusher:cache_miss","channel":"cache-c"}`},
		{"event", AppendEvent(nil, []byte(`"App\\Events\\TestEvent"`), []byte(`"{\"foo\":\"\u00e9\/\"}"`), []byte(`"test-channel"`)),
			`{"event":"App\\Events\\TestEvent","data":"{\"foo\":\"\u00e9\/\"}","channel":"test-channel"}`},
		{"client event", AppendClientEvent(nil, "client-x", "c", []byte(`{"a": {}}`), nil),
			`{"event":"client-x","channel":"c","data":{"a": {}}}`},
		{"client event without data", AppendClientEvent(nil, "client-x", "c", nil, nil),
			`{"event":"client-x","channel":"c","data":null}`},
		{"client event of a member", AppendClientEvent(nil, "client-x", "presence-c", []byte(`[1]`), []byte(`"7"`)),
			`{"event":"client-x","channel":"presence-c","data":[1],"user_id":"7"}`},
		{"channel with a quote", AppendCacheMiss(nil, `c"é`), `{"event":"pusher:cache_miss","channel":"c\"é"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if string(c.got) != c.want {
				t.Errorf("got  %s\nwant %s", c.got, c.want)
			}
			var message struct{ Data any }
			if err := json.Unmarshal(c.got, &message); err != nil {
				t.Fatal(err)
			}
			if data, ok := message.Data.(string); ok && !json.Valid([]byte(data)) {
				t.Errorf("data is not JSON: %s", data)
			}
		})
	}
}

func rosterOf(members []Member) *Roster {
	r := &Roster{}
	for _, m := range members {
		r.Append(m)
	}
	return r
}

// A copy of a roster stays what it is while the roster grows.
func TestRosterGrows(t *testing.T) {
	r := rosterOf([]Member{{ID: []byte(`1`)}})
	copied := *r
	before := string(AppendPresenceSucceeded(nil, "c", &copied))
	r.Append(Member{ID: []byte(`"b"`), Info: []byte(`"x"`)})
	if after := string(AppendPresenceSucceeded(nil, "c", &copied)); after != before || copied.Count() != 1 || r.Count() != 2 {
		t.Errorf("%s\nbecame %s", before, after)
	}
}

func TestAppendKeepsWhatIsThere(t *testing.T) {
	dst := []byte("frame header ")
	for _, got := range [][]byte{
		AppendPing(dst), AppendPong(dst), AppendCacheMiss(dst, "c"), AppendConnectionEstablished(dst, 1<<32|1, 30),
		AppendEvent(dst, []byte(`"e"`), []byte(`"d"`), []byte(`"c"`)), AppendClientEvent(dst, "e", []byte("c"), nil, nil),
		AppendMemberAdded(dst, "c", []byte(`{}`)), AppendError(dst, 4301, "Rate limit exceeded"), AppendErrorText(dst, 4301, "Rate limit exceeded"),
		AppendPresenceSucceeded(dst, "c", &Roster{}),
	} {
		if !hasPrefix(got, string(dst)) || !json.Valid(got[len(dst):]) {
			t.Errorf("got %s", got)
		}
	}
}

func TestAppendDoesNotAllocate(t *testing.T) {
	dst := make([]byte, 0, 4096)
	channel, data := []byte("private-orders.1847"), []byte(`"{\"id\":1}"`)
	if n := testing.AllocsPerRun(100, func() {
		dst = AppendEvent(dst[:0], []byte(`"App\\Events\\X"`), data, []byte(`"private-orders.1847"`))
		dst = AppendClientEvent(dst[:0], channel, channel, data, nil)
		dst = AppendSubscriptionSucceeded(dst[:0], channel)
		dst = AppendMemberAdded(dst[:0], channel, data)
		dst = AppendMemberRemoved(dst[:0], channel, data)
		dst = AppendConnectionEstablished(dst[:0], 1<<32|1, 30)
		dst = AppendError(dst[:0], ErrNotMember.Code, ErrNotMember.Message)
		dst = AppendErrorText(dst[:0], ErrNotMember.Code, ErrNotMember.Message)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAppendEvent(b *testing.B) {
	dst := make([]byte, 0, 4096)
	data := []byte(`"{\"order\":{\"id\":1847,\"status\":\"shipped\"},\"at\":\"2026-01-01T00:00:00Z\"}"`)
	b.ReportAllocs()
	for b.Loop() {
		dst = AppendEvent(dst[:0], []byte(`"App\\Events\\OrderShipped"`), data, []byte(`"private-orders.1847"`))
	}
}

func BenchmarkAppendPresenceSucceeded(b *testing.B) {
	m, _ := ParseMember([]byte(`{"user_id":"17","user_info":{"name":"Ann Smith","avatar":"https://example.com/a/17.png"}}`))
	members := slices.Repeat([]Member{m}, 100)
	dst := make([]byte, 0, 64<<10)
	b.ReportAllocs()
	for b.Loop() {
		dst = AppendPresenceSucceeded(dst[:0], "presence-room", rosterOf(members))
	}
}
