package ws

import (
	"bufio"
	"maps"
	"net/http"
	"strings"
	"testing"
)

const sampleKey = "dGhlIHNhbXBsZSBub25jZQ==" // of RFC 6455 section 1.3

// request parses what a client sends. Each edit is a header line that takes the place of those of its name; one with
// no value takes them away, one that begins with "+" is put beside them. "> GET / HTTP/1.1" replaces the request line.
func request(t *testing.T, edits ...string) *http.Request {
	t.Helper()
	lines := []string{
		"GET /app/key?protocol=7 HTTP/1.1",
		"Host: example.com:8080",
		"Upgrade: websocket",
		"Connection: Upgrade",
		"Sec-WebSocket-Key: " + sampleKey,
		"Sec-WebSocket-Version: 13",
	}
	for _, edit := range edits {
		if line, ok := strings.CutPrefix(edit, "> "); ok {
			lines[0] = line
			continue
		}
		name, value, _ := strings.Cut(edit, ":")
		for i, line := range lines {
			if i > 0 && strings.HasPrefix(line, name+":") {
				lines = append(lines[:i], lines[i+1:]...)
				break
			}
		}
		if value != "" {
			lines = append(lines, strings.TrimPrefix(edit, "+"))
		}
	}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.Join(lines, "\r\n") + "\r\n\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestCheckUpgrade(t *testing.T) {
	tests := []struct {
		name   string
		edits  []string
		status int
		reason string
	}{
		{"as every client does", nil, 0, ""},
		{"Firefox", []string{"Connection: keep-alive, Upgrade"}, 0, ""},
		{"other case", []string{"Upgrade: WebSocket", "Connection: UPGRADE"}, 0, ""},
		{"list of protocols", []string{"Upgrade: h2c, websocket"}, 0, ""},
		{"two headers", []string{"Upgrade: h2c", "+Upgrade: websocket", "Connection: keep-alive", "+Connection: upgrade"}, 0, ""},
		{"empty list members", []string{"Connection: ,\t, upgrade ,"}, 0, ""},
		{"subprotocol and extension", []string{"Sec-WebSocket-Protocol: x", "Sec-WebSocket-Extensions: permessage-deflate"}, 0, ""},

		{"POST", []string{"> POST /app/key HTTP/1.1"}, 405, "Method Not Allowed"},
		{"lower case", []string{"> get /app/key HTTP/1.1"}, 405, "Method Not Allowed"},
		{"HTTP/1.0", []string{"> GET /app/key HTTP/1.0"}, 505, "HTTP Version Not Supported"},
		{"no Host", []string{"Host:"}, 400, "Bad Request"},
		{"no Upgrade", []string{"Upgrade:"}, 426, "Upgrade header MUST be provided"},
		{"h2c", []string{"Upgrade: h2c"}, 426, "Upgrade header MUST be provided"},
		{"more than the token", []string{"Upgrade: websockets"}, 426, "Upgrade header MUST be provided"},
		{"tokens in one", []string{"Upgrade: h2c websocket"}, 426, "Upgrade header MUST be provided"},
		{"letter that folds to k", []string{"Upgrade: websoc\u212aet"}, 426, "Upgrade header MUST be provided"},
		{"no Connection", []string{"Connection:"}, 400, "Connection Upgrade MUST be requested"},
		{"other Connection", []string{"Connection: keep-alive"}, 400, "Connection Upgrade MUST be requested"},
		{"no key", []string{"Sec-WebSocket-Key:"}, 400, "Invalid Sec-WebSocket-Key"},
		{"two keys", []string{"+Sec-WebSocket-Key: " + sampleKey}, 400, "Invalid Sec-WebSocket-Key"},
		{"15 bytes", []string{"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAA"}, 400, "Invalid Sec-WebSocket-Key"},
		{"17 bytes", []string{"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAAA="}, 400, "Invalid Sec-WebSocket-Key"},
		{"not base64", []string{"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j!!=="}, 400, "Invalid Sec-WebSocket-Key"},
		{"no version", []string{"Sec-WebSocket-Version:"}, 426, "Upgrade Required"},
		{"version 8", []string{"Sec-WebSocket-Version: 8"}, 426, "Upgrade Required"},
		{"two versions", []string{"+Sec-WebSocket-Version: 13"}, 426, "Upgrade Required"},

		{"method before version", []string{"> POST / HTTP/1.0"}, 405, "Method Not Allowed"},
		{"version before Host", []string{"> GET / HTTP/1.0", "Host:"}, 505, "HTTP Version Not Supported"},
		{"Host before Upgrade", []string{"Host:", "Upgrade:"}, 400, "Bad Request"},
		{"Upgrade before Connection", []string{"Upgrade:", "Connection:"}, 426, "Upgrade header MUST be provided"},
		{"Connection before key", []string{"Connection:", "Sec-WebSocket-Key:"}, 400, "Connection Upgrade MUST be requested"},
		{"key before version", []string{"Sec-WebSocket-Key:", "Sec-WebSocket-Version:"}, 400, "Invalid Sec-WebSocket-Key"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := CheckUpgrade(request(t, tt.edits...))
			if err == nil {
				err = &HandshakeError{}
			}
			if err.Status != tt.status || err.Reason != tt.reason {
				t.Errorf("%v, want %d %s", err, tt.status, tt.reason)
			}
		})
	}
}

func TestDoubleHost(t *testing.T) {
	const two = "GET /app/key HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"
	if _, err := http.ReadRequest(bufio.NewReader(strings.NewReader(two))); err == nil {
		t.Error("http.ReadRequest takes a second Host: the doc comment of CheckUpgrade is wrong")
	}
	r := request(t)
	r.Header["Host"] = []string{"a", "b"}
	if err := CheckUpgrade(r); err == nil || err.Status != http.StatusBadRequest {
		t.Errorf("%v, want 400", err)
	}
}

func TestHandshakeErrorIsAnError(t *testing.T) {
	var err error = CheckUpgrade(request(t, "Upgrade:"))
	if want := "ws: handshake: 426 Upgrade header MUST be provided"; err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestHandshakeErrorHeader(t *testing.T) {
	tests := []struct {
		status int
		want   map[string]string
	}{
		{400, map[string]string{}},
		{405, map[string]string{"Allow": "GET"}},
		{426, map[string]string{"Upgrade": "websocket", "Connection": "Upgrade", "Sec-Websocket-Version": "13"}},
		{505, map[string]string{}},
	}
	for _, tt := range tests {
		got := map[string]string{}
		for name, values := range refusal(tt.status).Header() {
			got[name] = strings.Join(values, "|")
		}
		tt.want["X-Powered-By"] = "Laravel Reverb"
		if !maps.Equal(got, tt.want) {
			t.Errorf("%d: %v, want %v", tt.status, got, tt.want)
		}
	}
}

func TestIsUpgrade(t *testing.T) {
	for value, want := range map[string]bool{
		"":               false,
		" websocket":     true,
		" WEBSOCKET":     true,
		" h2c":           false,
		" h2c,websocket": true,
		" websocket/13":  false,
		" 0":             false,
	} {
		if got := IsUpgrade(request(t, "Upgrade:"+value)); got != want {
			t.Errorf("Upgrade:%s: %v", value, got)
		}
	}
}

func TestAppendSwitchingProtocols(t *testing.T) {
	const want = "before" + "HTTP/1.1 101 Switching Protocols\r\n" +
		"Upgrade: websocket\r\n" +
		"Connection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" +
		"X-Powered-By: Laravel Reverb\r\n\r\n"
	dst := append(make([]byte, 0, 512), "before"...)
	if got := AppendSwitchingProtocols(dst, sampleKey, Accepted{}); string(got) != want {
		t.Errorf("%q\nwant %q", got, want)
	}
	if n := testing.AllocsPerRun(100, func() { AppendSwitchingProtocols(dst, sampleKey, Accepted{}) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestSwitchingAccepts(t *testing.T) {
	accepted := Accepted{Protocol: "pusher-channels-protocol-7", Deflate: true}
	got := string(AppendSwitchingProtocols(nil, sampleKey, accepted))
	for _, want := range []string{"\r\nSec-WebSocket-Protocol: pusher-channels-protocol-7\r\n", "\r\nSec-WebSocket-Extensions: " + DeflateExtension + "\r\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
}

func TestSubprotocol(t *testing.T) {
	for _, tt := range []struct {
		offered []string
		want    string
	}{
		{nil, ""},
		{[]string{"pusher-channels-protocol-7"}, "pusher-channels-protocol-7"},
		{[]string{"chat, pusher-channels-protocol-5 ,pusher-channels-protocol-7"}, "pusher-channels-protocol-5"},
		{[]string{"chat", "pusher-channels-protocol-7"}, "pusher-channels-protocol-7"},
		{[]string{"chat"}, ""},
		{[]string{"pusher-channels-protocol-"}, ""},
		{[]string{"pusher-channels-protocol-7a"}, ""},
		{[]string{"pusher-channels-protocol-1234"}, ""},
		{[]string{"Pusher-Channels-Protocol-7"}, ""}, // names of subprotocols are compared as they are
	} {
		if got := Subprotocol(http.Header{"Sec-Websocket-Protocol": tt.offered}); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.offered, got, tt.want)
		}
	}
}

func BenchmarkAppendSwitchingProtocols(b *testing.B) {
	dst := make([]byte, 0, 512)
	b.ReportAllocs()
	for b.Loop() {
		AppendSwitchingProtocols(dst, sampleKey, Accepted{})
	}
}
