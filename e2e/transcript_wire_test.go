package e2e

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// What the specification's decisions say of bytes on the wire, which no transcript can tell: each test names its decision.

// rawConn is a TCP connection to the server.
type rawConn struct {
	t *testing.T
	net.Conn
	in *bufio.Reader
}

func dialRaw(t *testing.T, s *server) *rawConn {
	t.Helper()
	c, err := net.DialTimeout("tcp", s.addr(), clientTimeout)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(2 * clientTimeout))
	return &rawConn{t, c, bufio.NewReader(c)}
}

// write sends everything in one packet.
func (c *rawConn) write(parts ...string) {
	c.t.Helper()
	if _, err := c.Write([]byte(strings.Join(parts, ""))); err != nil {
		c.t.Fatal(err)
	}
}

// response reads one HTTP response to a request with that method.
func (c *rawConn) response(method string) (*http.Response, string) {
	c.t.Helper()
	res, err := http.ReadResponse(c.in, &http.Request{Method: method})
	if err != nil {
		c.t.Fatalf("reading a response: %v", err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return res, string(body)
}

// frames reads n frames; all up to the end of the connection if n is negative.
func (c *rawConn) frames(n int) (frames []ws.Frame) {
	c.t.Helper()
	for ; n != 0; n-- {
		f, err := readFrame(c.in)
		if n < 0 && errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			c.t.Fatalf("behind %d frames: %v; the last: %.200q", len(frames), err, describe(frames[max(0, len(frames)-3):]))
		}
		frames = append(frames, f)
	}
	return frames
}

// describe makes frames comparable: texts, "ping", "pong ...", "close 4001".
func describe(frames []ws.Frame) (list []string) {
	for _, f := range frames {
		switch f.Header.OpCode {
		case ws.OpText:
			list = append(list, string(f.Payload))
		case ws.OpPing:
			list = append(list, "ping")
		case ws.OpPong:
			list = append(list, "pong "+string(f.Payload))
		case ws.OpClose:
			code, _ := ws.ParseCloseFrameData(f.Payload)
			list = append(list, fmt.Sprint("close ", uint16(code)))
		default:
			list = append(list, fmt.Sprint("opcode ", f.Header.OpCode))
		}
	}
	return list
}

func wantFrames(t *testing.T, got []ws.Frame, want ...string) {
	t.Helper()
	if !slices.Equal(describe(got), want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(describe(got), "\n\t"), strings.Join(want, "\n\t"))
	}
}

// handshake is a client's; more are header lines.
func handshake(path string, more ...string) string {
	head := "GET " + path + "?protocol=7 HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
	for _, line := range more {
		head += line + "\r\n"
	}
	return head + "\r\n"
}

// textFrame is a text message as a client sends it.
func textFrame(text string) string {
	return string(ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte(text)))))
}

func subscription(channel string) string {
	return `{"event":"pusher:subscribe","data":{"channel":"` + channel + `"}}`
}

func succeeded(channel string) string {
	return `{"event":"pusher_internal:subscription_succeeded","data":"{}","channel":"` + channel + `"}`
}

// establishRaw opens a WebSocket and reads connection_established.
func establishRaw(t *testing.T, s *server, path string, more ...string) *rawConn {
	t.Helper()
	c := dialRaw(t, s)
	c.write(handshake(path, more...))
	res, err := http.ReadResponse(c.in, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("handshake: %v, %v", res, err)
	}
	if got := describe(c.frames(1)); !strings.Contains(got[0], "pusher:connection_established") {
		t.Fatalf("expected connection_established, got %q", got)
	}
	return c
}

// signedRequest is a request of the app app-id in full.
func signedRequest(method, path, body string, more ...string) string {
	head := method + " " + signTarget("app-key", "app-secret", method, path, nil, body, time.Now()) + " HTTP/1.1\r\nHost: example.com\r\n"
	for _, line := range more {
		head += line + "\r\n"
	}
	return head
}

func withLength(body string) string {
	return fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
}

// get is a signed GET of any app.
func get(t *testing.T, s *server, key, secret, path string) string {
	t.Helper()
	res, err := http.Get(s.url(signTarget(key, secret, "GET", path, nil, "", time.Now())))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s %v", path, res.StatusCode, body, err)
	}
	return string(body)
}

func TestDecision01NothingOfARefusedClientIsActedOn(t *testing.T) {
	s := startServer(t, "--config", configFile(t))
	tests := []struct {
		name, path, origin string
		full               bool // the app has no room
		want               []string
	}{
		{"unknown key", "/app/nobody", "", false, []string{`{"event":"pusher:error","data":{"code":4001,"message":"Application does not exist"}}`, "close 4001"}},
		{"missing origin", "/app/key2", "", false, []string{`{"event":"pusher:error","data":{"code":4009,"message":"Origin not allowed"}}`, "close 4009"}},
		{"forbidden origin", "/app/key2", "Origin: https://evil.test", false, []string{`{"event":"pusher:error","data":{"code":4009,"message":"Origin not allowed"}}`, "close 4009"}},
		{"over quota", "/app/key2", "Origin: https://allowed.test", true, []string{`{"event":"pusher:error","data":{"code":4004,"message":"Application is over connection quota"}}`, "close 4004"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.full {
				for range 3 {
					establishRaw(t, s, "/app/key2", "Origin: https://allowed.test")
				}
			}
			lines := []string{"X-Any: 1"}
			if tt.origin != "" {
				lines = append(lines, tt.origin)
			}
			c := dialRaw(t, s)
			c.write(handshake(tt.path, lines...), textFrame(subscription("piped")), textFrame(`{"event":"pusher:ping"}`))
			if res, err := http.ReadResponse(c.in, nil); err != nil || res.StatusCode != http.StatusSwitchingProtocols {
				t.Fatalf("the handshake itself succeeds: %v %v", res, err)
			}
			got := c.frames(2)
			_, _ = c.Write([]byte(textFrame(subscription("later")))) // may fail: the server has gone
			wantFrames(t, append(got, c.frames(-1)...), tt.want...)
			if got := get(t, s, "key2", "secret2", "/apps/app2/channels"); got != `{"channels":{}}` {
				t.Errorf("channels: %s", got)
			}
		})
	}
}

func TestDecision02FailedNegotiations(t *testing.T) {
	s := startServer(t, "--dev")
	without := func(line string) string {
		return strings.Replace(handshake("/app/app-key"), line+"\r\n", "", 1)
	}
	change := func(old, changed string) string { return strings.Replace(handshake("/app/app-key"), old, changed, 1) }
	tests := []struct {
		name, request string
		status        int
		header, value string
	}{
		{"POST", change("GET", "POST"), 405, "Allow", "GET"},
		{"HTTP/1.0", change("HTTP/1.1", "HTTP/1.0"), 505, "", ""},
		{"no upgrade", without("Upgrade: websocket"), 426, "Upgrade", "websocket"},
		{"another upgrade", change("Upgrade: websocket", "Upgrade: h2c"), 426, "Upgrade", "websocket"},
		{"no connection upgrade", without("Connection: Upgrade"), 400, "", ""},
		{"no key", without("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), 400, "", ""},
		{"a short key", change("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZQ=="), 400, "", ""},
		{"another version", change("Version: 13", "Version: 8"), 426, "Sec-Websocket-Version", "13"},
		{"no host", without("Host: example.com"), 400, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := dialRaw(t, s)
			c.write(tt.request, textFrame(subscription("news")))
			res, body := c.response("GET")
			if res.StatusCode != tt.status || tt.header != "" && res.Header.Get(tt.header) != tt.value {
				t.Errorf("%d %v, want %d with %s: %s", res.StatusCode, res.Header, tt.status, tt.header, tt.value)
			}
			if res.Header.Get("Content-Type") == "" || res.ContentLength != int64(len(body)) {
				t.Errorf("headers %v", res.Header)
			}
			if rest, err := io.ReadAll(c.in); err != nil || len(rest) > 0 {
				t.Errorf("behind the error: %q, %v; want the end", rest, err)
			}
		})
	}
	if got := get(t, s, "app-key", "app-secret", "/apps/app-id/connections"); got != `{"connections":0}` {
		t.Errorf("connections: %s", got)
	}
}

// Decisions 2 and 3: all are told to come back when the server stops, subscribed or not.
func TestDecision02Shutdown(t *testing.T) {
	s := startServer(t, "--dev")
	idle, subscribed := establishRaw(t, s, "/app/app-key"), establishRaw(t, s, "/app/app-key")
	subscribed.write(textFrame(subscription("news")))
	wantFrames(t, subscribed.frames(1), succeeded("news"))
	stopped := make(chan error, 1)
	go func() { stopped <- s.stop() }()
	for _, c := range []*rawConn{idle, subscribed} {
		wantFrames(t, c.frames(-1), `{"event":"pusher:error","data":{"code":4200,"message":"Server is going away"}}`, "close 4200")
		_ = c.Close()
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestDecision02SlowConsumer(t *testing.T) {
	s := startServer(t, "--config", write(t, "slow.yml", `
servers: {reverb: {slow_consumer_bytes: 20000}}
apps: {apps: [{app_id: app-id, key: app-key, secret: app-secret}]}
`))
	slow := establishRaw(t, s, "/app/app-key")
	slow.write(textFrame(subscription("news")))
	wantFrames(t, slow.frames(1), succeeded("news"))

	body := `{"name":"e","channel":"news","data":"` + strings.Repeat("x", 9000) + `"}`
	publisher := dialRaw(t, s)
	sent := 0
	for ; ; sent++ {
		if sent%100 == 99 && get(t, s, "app-key", "app-secret", "/apps/app-id/connections") == `{"connections":0}` {
			break
		}
		if sent > 20_000 {
			t.Fatal("a client that reads nothing is never cut off")
		}
		publisher.write(signedRequest("POST", "/apps/app-id/events", body), withLength(body))
		if res, text := publisher.response("POST"); res.StatusCode != http.StatusOK {
			t.Fatalf("publishing: %d %s", res.StatusCode, text)
		}
	}
	frames := slow.frames(-1)
	event := fmt.Sprintf(`{"event":"e","data":"%s","channel":"news"}`, strings.Repeat("x", 9000))
	events, last := frames[:max(0, len(frames)-2)], frames[max(0, len(frames)-2):]
	wantFrames(t, last, `{"event":"pusher:error","data":{"code":4100,"message":"Slow consumer"}}`, "close 4100")
	for i, f := range events {
		if string(f.Payload) != event {
			t.Fatalf("frame %d is %.100s", i, f.Payload)
		}
	}
	if len(events) == 0 || len(events) >= sent {
		t.Errorf("%d of %d events came", len(events), sent)
	}
}

// write writes a file for one test and returns its name.
func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestDecision04PingAndPrune(t *testing.T) {
	s := startServer(t, "--config", write(t, "ping.yml", `
apps: {apps: [{app_id: app-id, key: app-key, secret: app-secret, ping_interval: 1, activity_timeout: 1}]}
`))
	const timeout = `{"event":"pusher:error","data":{"code":4201,"message":"Pong reply not received in time"}}`
	silent, framed, alive := establishRaw(t, s, "/app/app-key"), establishRaw(t, s, "/app/app-key"), establishRaw(t, s, "/app/app-key")
	framed.write(string(ws.MustCompileFrame(ws.MaskFrame(ws.NewPingFrame([]byte("hello"))))))
	for range 2 {
		wantFrames(t, alive.frames(1), `{"event":"pusher:ping"}`)
		alive.write(textFrame(`{"event":"pusher:pong","data":{}}`))
	}
	wantFrames(t, silent.frames(-1), `{"event":"pusher:ping"}`, timeout, "close 4201")
	wantFrames(t, framed.frames(-1), "pong hello", "ping", timeout, "close 4201")
	alive.write(textFrame(`{"event":"pusher:ping"}`))
	for got := ""; got != `{"event":"pusher:pong"}`; {
		if got = describe(alive.frames(1))[0]; got != `{"event":"pusher:pong"}` && got != `{"event":"pusher:ping"}` {
			t.Fatalf("the one that answers got %s", got)
		}
	}
}

func TestDecision05BytesBehindTheHandshake(t *testing.T) {
	s := startServer(t, "--dev")
	t.Run("in the same packet", func(t *testing.T) {
		c := dialRaw(t, s)
		c.write(handshake("/app/app-key"), textFrame(subscription("one")), textFrame(subscription("two")), textFrame(`{"event":"pusher:ping"}`))
		if res, err := http.ReadResponse(c.in, nil); err != nil || res.StatusCode != http.StatusSwitchingProtocols {
			t.Fatal(res, err)
		}
		wantFrames(t, c.frames(4)[1:], succeeded("one"), succeeded("two"), `{"event":"pusher:pong"}`)
	})
	t.Run("byte by byte", func(t *testing.T) {
		c := dialRaw(t, s)
		for _, b := range []byte(handshake("/app/app-key") + textFrame(subscription("one"))) {
			c.write(string([]byte{b}))
		}
		if res, err := http.ReadResponse(c.in, nil); err != nil || res.StatusCode != http.StatusSwitchingProtocols {
			t.Fatal(res, err)
		}
		wantFrames(t, c.frames(2)[1:], succeeded("one"))
	})
	t.Run("half a frame", func(t *testing.T) {
		frame := textFrame(subscription("one"))
		c := dialRaw(t, s)
		c.write(handshake("/app/app-key"), frame[:3])
		if res, err := http.ReadResponse(c.in, nil); err != nil || res.StatusCode != http.StatusSwitchingProtocols {
			t.Fatal(res, err)
		}
		c.frames(1)
		c.write(frame[3:])
		wantFrames(t, c.frames(1), succeeded("one"))
	})
}

// A handshake that is not complete in time ends; that takes the ten seconds it may take.
func TestDecision05HandshakeTimeout(t *testing.T) {
	if testing.Short() {
		t.Skip("waits ten seconds")
	}
	t.Parallel()
	s := startServer(t, "--dev")
	silent, half := dialRaw(t, s), dialRaw(t, s)
	half.write("GET /app/app-key HTTP/1.1\r\nHost: example.com\r\n")
	if res, _ := half.response("GET"); res.StatusCode != http.StatusRequestTimeout {
		t.Errorf("half a handshake: %d", res.StatusCode)
	}
	for name, c := range map[string]*rawConn{"half": half, "silent": silent} {
		if rest, err := io.ReadAll(c.in); err != nil || len(rest) > 0 {
			t.Errorf("%s: %q, %v; want the end", name, rest, err)
		}
	}
}

func TestDecision11NoCompression(t *testing.T) {
	s := startServer(t, "--dev")
	c := dialRaw(t, s)
	c.write(handshake("/app/app-key", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits", "Sec-WebSocket-Protocol: pusher"))
	res, err := http.ReadResponse(c.in, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(res, err)
	}
	for name, want := range map[string]string{
		"Sec-Websocket-Extensions": "", "Sec-Websocket-Protocol": "", "X-Powered-By": "Laravel Reverb",
		"Upgrade": "websocket", "Connection": "Upgrade", "Sec-Websocket-Accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
	} {
		if got := res.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	c.frames(1)
	frame := ws.NewTextFrame([]byte(subscription("news")))
	frame.Header.Rsv = ws.Rsv(true, false, false) // compressed, if that had been agreed
	c.write(string(ws.MustCompileFrame(ws.MaskFrame(frame))))
	wantFrames(t, c.frames(-1), "close 1002")
}

func TestDecision12HTTP(t *testing.T) {
	s := startServer(t, "--dev")
	const event = `{"name":"e","channel":"c","data":"1"}`
	post := signedRequest("POST", "/apps/app-id/events", event)
	type answer struct {
		method string
		status int
		body   string
	}
	tests := []struct {
		name    string
		request string
		want    []answer
		ends    bool // the connection ends behind the last answer
	}{
		{"keep-alive", signedRequest("GET", "/apps/app-id/connections", "") + "\r\n", []answer{{"GET", 200, `{"connections":0}`}}, false},
		{"keep-alive after an error", "GET /nope HTTP/1.1\r\nHost: a\r\n\r\n", []answer{{"GET", 404, "Not found."}}, false},
		{"pipelining, whoever answers", post + withLength(event) + "GET /up HTTP/1.1\r\nHost: a\r\n\r\n" + signedRequest("GET", "/apps/app-id/channels", "") + "\r\n" +
			post + withLength(event) + "GET /up/ HTTP/1.1\r\nHost: a\r\n\r\n", []answer{
			{"POST", 200, "{}"}, {"GET", 200, `{"health":"OK"}`}, {"GET", 200, `{"channels":{}}`}, {"POST", 200, "{}"}, {"GET", 404, "Not found."},
		}, false},
		{"a chunked body", post + "Transfer-Encoding: chunked\r\n\r\n5\r\n" + event[:5] + "\r\n" + strconv.FormatInt(int64(len(event)-5), 16) + ";x=y\r\n" + event[5:] + "\r\n0\r\n\r\n",
			[]answer{{"POST", 200, "{}"}}, false},
		{"HEAD without a body", "HEAD /up HTTP/1.1\r\nHost: a\r\n\r\nGET /up HTTP/1.1\r\nHost: a\r\n\r\n", []answer{{"HEAD", 200, ""}, {"GET", 200, `{"health":"OK"}`}}, false},
		{"HEAD of an error", "HEAD /nope HTTP/1.1\r\nHost: a\r\n\r\nGET /up HTTP/1.1\r\nHost: a\r\n\r\n", []answer{{"HEAD", 404, ""}, {"GET", 200, `{"health":"OK"}`}}, false},
		{"h2c", post + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n" + withLength(event), []answer{{"POST", 200, "{}"}}, false},
		{"websocket elsewhere", strings.Replace(handshake("/up"), "?protocol=7", "", 1), []answer{{"GET", 200, `{"health":"OK"}`}}, false},
		{"websocket on an app's path with more", handshake("/app/app-key/x"), []answer{{"GET", 404, "Not found."}}, false},
		{"Connection: close", "GET /up HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", []answer{{"GET", 200, `{"health":"OK"}`}}, true},
		{"HTTP/1.0", "GET /up HTTP/1.0\r\n\r\n", []answer{{"GET", 200, `{"health":"OK"}`}}, true},
		{"not a request", "hello\r\n\r\n", []answer{{"GET", 400, "Bad request."}}, true},
		{"more than may be", "GET /up HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 10_000) + "\r\n\r\n", []answer{{"GET", 413, "Payload too large."}}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := dialRaw(t, s)
			rounds := 2
			if tt.ends {
				rounds = 1
			}
			for range rounds {
				c.write(tt.request)
				for i, a := range tt.want {
					res, body := c.response(a.method)
					if res.StatusCode != a.status || body != a.body {
						t.Errorf("answer %d: %d %s, want %d %s", i, res.StatusCode, body, a.status, a.body)
					}
					for _, name := range []string{"Content-Type", "Content-Length"} {
						if res.Header.Get(name) == "" {
							t.Errorf("answer %d has no %s", i, name)
						}
					}
					if res.ProtoMinor != 1 {
						t.Errorf("answer %d is %s", i, res.Proto)
					}
				}
			}
			if tt.ends {
				if rest, err := io.ReadAll(c.in); err != nil || len(rest) > 0 {
					t.Errorf("behind the answer: %q, %v; want the end", rest, err)
				}
			}
		})
	}
	t.Run("Expect: 100-continue", func(t *testing.T) {
		c := dialRaw(t, s)
		c.write(post, "Expect: 100-continue\r\nContent-Length: ", strconv.Itoa(len(event)), "\r\n\r\n")
		const goOn = "HTTP/1.1 100 Continue\r\n\r\n"
		got := make([]byte, len(goOn))
		if _, err := io.ReadFull(c.in, got); err != nil || string(got) != goOn {
			t.Fatalf("%q, %v", got, err)
		}
		c.write(event)
		if res, body := c.response("POST"); res.StatusCode != http.StatusOK || body != "{}" {
			t.Errorf("%d %s", res.StatusCode, body)
		}
	})
}

// Decision 15: the prefix may be written in any way, is part of the routes, and is not signed.
func TestDecision15Path(t *testing.T) {
	for _, flag := range []string{"ws", "/ws", "ws/", "/ws/"} {
		t.Run(flag, func(t *testing.T) {
			s := startServer(t, "--dev", "--path", flag)
			c := establishRaw(t, s, "/ws/app/app-key")
			c.write(textFrame(subscription("news")))
			wantFrames(t, c.frames(1), succeeded("news"))
			const event = `{"name":"e","channel":"news","data":"1"}`
			signed := signTarget("app-key", "app-secret", "POST", "/apps/app-id/events", nil, event, time.Now())
			for prefix, want := range map[string]int{"": 404, "/wss": 404, "/ws": 200} {
				res, err := http.Post(s.url(prefix+signed), "application/json", strings.NewReader(event))
				if err != nil {
					t.Fatal(err)
				}
				_ = res.Body.Close()
				if res.StatusCode != want {
					t.Errorf("%s: %d, want %d", prefix, res.StatusCode, want)
				}
			}
			wantFrames(t, c.frames(1), `{"event":"e","data":"1","channel":"news"}`)
			bare := dialRaw(t, s)
			bare.write(handshake("/app/app-key"))
			if res, _ := bare.response("GET"); res.StatusCode != http.StatusNotFound {
				t.Errorf("a WebSocket without the prefix: %d", res.StatusCode)
			}
		})
	}
}

// Decision 15: ten minutes by default, both ways.
func TestDecision15Timestamp(t *testing.T) {
	s := startServer(t, "--dev")
	off := startServer(t, "--config", write(t, "off.yml", `
servers: {reverb: {auth_timestamp_tolerance: 0}}
apps: {apps: [{app_id: app-id, key: app-key, secret: app-secret}]}
`))
	tests := []struct {
		name   string
		server *server
		shift  time.Duration
		want   int
	}{
		{"now", s, 0, 200},
		{"nearly too old", s, -590 * time.Second, 200},
		{"too old", s, -610 * time.Second, 401},
		{"nearly too new", s, 590 * time.Second, 200},
		{"too new", s, 610 * time.Second, 401},
		{"turned off", off, -24 * time.Hour, 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			stamp := strconv.FormatInt(time.Now().Add(tt.shift).Unix(), 10)
			target := signTarget("app-key", "app-secret", "GET", "/apps/app-id/channels", url.Values{"auth_timestamp": {stamp}}, "", time.Now())
			res, err := http.Get(tt.server.url(target))
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, _ := io.ReadAll(res.Body)
			if res.StatusCode != tt.want {
				t.Errorf("%d %s, want %d", res.StatusCode, body, tt.want)
			}
			if tt.want == 401 && (!bytes.Contains(body, []byte(stamp)) || !bytes.Contains(body, []byte("server time"))) {
				t.Errorf("the text does not say both times: %s", body)
			}
		})
	}
}
