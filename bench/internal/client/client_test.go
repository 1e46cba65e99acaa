package client

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"reverbd/protocol/pusher"
	"reverbd/protocol/ws"
)

func TestNextFrameReadsWhatTheServerWrites(t *testing.T) {
	var stream []byte
	sizes := []int{0, 1, 125, 126, 127, 65535, 65536, 3}
	for _, size := range sizes {
		stream = ws.AppendFrame(stream, ws.OpText, []byte(strings.Repeat("a", size)))
	}
	for _, chunk := range []int{1, 7, 1000, len(stream)} { // joined, and cut anywhere
		var got []int
		var buffer []byte
		for rest := stream; len(rest) > 0; {
			n := min(chunk, len(rest))
			buffer, rest = append(buffer, rest[:n]...), rest[n:]
			for {
				f, used, err := nextFrame(buffer, false)
				if err != nil {
					t.Fatal(err)
				}
				if used == 0 {
					break
				}
				if f.op != ws.OpText {
					t.Fatalf("opcode %v", f.op)
				}
				got = append(got, len(f.payload))
				buffer = buffer[used:]
			}
			if chunk < 100 && len(got) == 5 {
				break // the two big ones in tiny pieces would take long and show nothing more
			}
		}
		for i, size := range got {
			if size != sizes[i] {
				t.Errorf("in chunks of %d, frame %d has %d bytes, want %d", chunk, i, size, sizes[i])
			}
		}
		if chunk >= 100 && (len(got) != len(sizes) || len(buffer) > 0) {
			t.Errorf("in chunks of %d: %d frames, %d bytes left", chunk, len(got), len(buffer))
		}
	}
}

func TestNextFrameRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		p    string
		want error
	}{
		"a first fragment":  {"\x01\x00", errFragmented},
		"a continuation":    {"\x80\x00", errFragmented},
		"compression":       {"\xc1\x00", errReserved},
		"a mask":            {"\x81\x80", errMasked},
		"a negative length": {"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff", errHuge},
	} {
		if _, _, err := nextFrame([]byte(c.p), false); !errors.Is(err, c.want) {
			t.Errorf("%s: error is %v, want %v", name, err, c.want)
		}
	}
}

func TestNextFrameCompressed(t *testing.T) {
	text := strings.Repeat("a message ", 20)
	p := ws.AppendDeflated(nil, ws.OpText, []byte(text))
	var u inflater
	for range 2 { // the second time it is known
		f, n, err := nextFrame(p, true)
		if err != nil || n != len(p) || !f.compressed {
			t.Fatalf("%d of %d bytes, compressed: %t, %v", n, len(p), f.compressed, err)
		}
		if got, err := u.inflate(f.payload); err != nil || string(got) != text {
			t.Errorf("%q, %v", got, err)
		}
	}
	if _, err := u.inflate([]byte("nonsense")); err == nil {
		t.Error("nonsense was decompressed")
	}
	if f, _, err := nextFrame(ws.AppendFrame(nil, ws.OpText, []byte("x")), true); err != nil || f.compressed {
		t.Errorf("a message that is not compressed: %+v, %v", f, err)
	}
	for name, p := range map[string]string{"a ping": "\xc9\x00", "other bits": "\xe1\x00"} {
		if _, _, err := nextFrame([]byte(p), true); !errors.Is(err, errReserved) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzNextFrame(f *testing.F) {
	f.Add(ws.AppendFrame(nil, ws.OpText, []byte("hello")))
	f.Add(ws.AppendClose(nil, 1000, "bye"))
	f.Add(ws.AppendHeader(nil, ws.OpBinary, 70_000))
	f.Fuzz(func(t *testing.T, p []byte) {
		got, n, err := nextFrame(p, false)
		switch {
		case n > len(p), err != nil && n > 0, n > 0 && len(got.payload) > n-2:
			t.Errorf("%d of %d bytes, payload of %d, %v", n, len(p), len(got.payload), err)
		case n > 0 && len(got.payload) < 126: // shortest form: it reads as it was written
			if again := ws.AppendFrame(nil, got.op, got.payload); n == len(again) && string(again) != string(p[:n]) {
				t.Errorf("%x was read as %x", p[:n], again)
			}
		}
	})
}

func TestParseUpgrade(t *testing.T) {
	good := string(ws.AppendSwitchingProtocols(nil, "dGhlIHNhbXBsZSBub25jZQ==", ws.Accepted{}))
	for name, c := range map[string]struct {
		p    string
		n    int
		says string // "" for no error
	}{
		"accepted":              {p: good, n: len(good)},
		"accepted, with frames": {p: good + "\x81\x00", n: len(good)},
		"half":                  {p: good[:len(good)-1]},
		"refused":               {p: "HTTP/1.1 404 Not Found\r\n\r\nNot found.", says: `"404 Not Found"`},
		"another key's answer":  {p: strings.Replace(good, "s3pPL", "s3pPl", 1), says: "Sec-WebSocket-Accept"},
		"not HTTP":              {p: "SSH-2.0-OpenSSH_9.6\r\n\r\n", says: "handshake answered"},
		"endless":               {p: strings.Repeat("a", maxUpgrade+1), says: "not HTTP"},
	} {
		if _, err := parseUpgrade([]byte(c.p), true); err == nil && c.n > 0 {
			t.Errorf("%s: compression was not accepted, and nobody minded", name)
		}
		n, err := parseUpgrade([]byte(c.p), false)
		if n != c.n || (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %d, %v; want %d, %q", name, n, err, c.n, c.says)
		}
	}
}

func TestEventName(t *testing.T) {
	for message, want := range map[string]string{
		`{"event":"pusher:ping"}`:                         "pusher:ping",
		`{"event":"bench","data":"x","channel":"b"}`:      "bench",
		`{"channel":"b", "data":"{}", "event" : "bench"}`: "bench",
		`{ "event":"b\u0065nch"}`:                         "bench",
		`{"data":"x"}`:                                    "",
		`[1]`:                                             "",
		`{"event":"`:                                      "",
		``:                                                "",
	} {
		if got := eventName([]byte(message)); string(got) != want {
			t.Errorf("%s is %q, want %q", message, got, want)
		}
	}
}

func TestSocketID(t *testing.T) {
	ours := string(pusher.AppendConnectionEstablished(nil, pusher.SocketID(123<<32|456), 30))
	for message, want := range map[string]string{
		ours: "123.456",
		`{"event":"pusher:connection_established","data":{"activity_timeout":30,"socket_id":"98765432109.1"}}`: "98765432109.1",
		`{"event":"pusher:connection_established","data":"{\"activity_timeout\":30}"}`:                         "",
		`{"socket_id":"`:  "",
		`{"socket_id":"1`: "",
	} {
		if got := socketID([]byte(message)); string(got) != want {
			t.Errorf("%s is %q, want %q", message, got, want)
		}
	}
}

func TestServerError(t *testing.T) {
	for message, want := range map[string]string{
		string(pusher.AppendError(nil, 4009, "Connection is unauthorized")):                                    "the server says 4009: Connection is unauthorized",
		string(pusher.AppendErrorText(nil, 4009, "Connection is unauthorized")):                                "the server says 4009: Connection is unauthorized",
		`{"event":"pusher:error","data":{"code":null,"message":"no"}}`:                                         "the server says: no",
		`{"event":"pusher:subscription_error","data":{"type":"AuthError","error":"not signed"},"channel":"b"}`: "the server says: not signed",
		`{"event":"pusher:error","data":7}`:                                                                    `the server says {"event":"pusher:error","data":7}`,
	} {
		if got := serverError([]byte(message)).Error(); got != want {
			t.Errorf("%s\nis %s, want %s", message, got, want)
		}
	}
}

func TestCloseError(t *testing.T) {
	frame, _, _ := nextFrame(ws.AppendClose(nil, 4100, "Slow consumer"), false)
	if got := closeError(frame.payload).Error(); got != "closed with 4100 Slow consumer" {
		t.Error(got)
	}
	if got := closeError([]byte{1}).Error(); !strings.Contains(got, "malformed") {
		t.Error(got)
	}
}

func TestLayout(t *testing.T) {
	for _, l := range []Layout{{1, true, 0}, {3, true, 0}, {1, false, 0}, {3, false, 1}, {10, false, 1}, {12, false, 3}, {20, false, 4}} {
		const connections = 7
		subscribers := map[int]int{}
		for i := range connections {
			first, channels := l.Of(i)
			for c := first; c < first+channels; c++ {
				subscribers[c]++
			}
		}
		for c := range l.Channels {
			if got := l.Subscribers(c, connections); got != subscribers[c] {
				t.Errorf("%+v: channel %d has %d subscribers, want %d", l, c, got, subscribers[c])
			}
		}
	}
}

func TestSources(t *testing.T) {
	loopback, other := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("192.0.2.1")
	given := []netip.Addr{netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("192.0.2.8")}
	for _, c := range []struct {
		s    Sources
		i    int
		want string
	}{
		{NewSources(loopback, nil), 0, "invalid IP"},
		{NewSources(loopback, nil), perSource, "127.0.0.2"},
		{NewSources(loopback, nil), 299 * perSource, "127.0.1.44"},
		{NewSources(other, nil), 5 * perSource, "invalid IP"},
		{NewSources(netip.MustParseAddr("::1"), nil), perSource, "invalid IP"},
		{NewSources(loopback, given), 0, "192.0.2.7"},
		{NewSources(loopback, given), perSource, "192.0.2.8"},
		{NewSources(other, given), 2 * perSource, "192.0.2.7"},
	} {
		if got := c.s.Of(c.i).String(); got != c.want {
			t.Errorf("connection %d of %+v is from %s, want %s", c.i, c.s, got, c.want)
		}
	}
}

func TestReasons(t *testing.T) {
	r := Reasons{}
	for i := range maxReasons + 5 {
		r.add(errors.New(strings.Repeat("x", i)))
	}
	r.add(errors.New("x"))
	if r["other"] != 5 || r["x"] != 2 || r.Total() != maxReasons+6 {
		t.Errorf("%d other, %d x, %d in all", r["other"], r["x"], r.Total())
	}
	r.Merge(Reasons{"x": 3, "new": 1})
	if r["x"] != 5 || r["new"] != 1 {
		t.Errorf("merged: %d x, %d new", r["x"], r["new"])
	}
}

func TestRosterSize(t *testing.T) {
	for message, want := range map[string]int{
		`{"event":"x","data":"{\"presence\":{\"count\":12,\"ids\":[\"r7\"]}}"}`: 12,
		`{"data":{"presence":{"ids":["r7"],"hash":{},"count": 3}}}`:             3,
		`{"data":"{}"}`: -1,
	} {
		if got := rosterSize([]byte(message)); got != want {
			t.Errorf("%s: %d, want %d", message, got, want)
		}
	}
}
