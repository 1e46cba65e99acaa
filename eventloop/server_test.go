package eventloop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"reverbd/broadcast"
	"reverbd/protocol/pusher"
	"reverbd/protocol/ws"
)

// session is a Session made of functions. Without any it echoes.
type session struct {
	broadcast.Subscriber
	directory *broadcast.Directory

	open    func(s *session, l *broadcast.Loop, c broadcast.Conn)
	message func(s *session, p string)
	control func(s *session, op ws.OpCode)
	check   func(s *session) time.Duration
	gone    func(s *session)
}

func (s *session) Open(l *broadcast.Loop, c broadcast.Conn, _ string) {
	if s.open != nil {
		s.open(s, l, c)
		return
	}
	s.join(l, c)
}

func (s *session) join(l *broadcast.Loop, c broadcast.Conn) {
	l.Add(&s.Subscriber, pusher.NewSocketID(), s.directory, c)
}

func (s *session) Message(op ws.OpCode, p []byte) {
	if s.message != nil {
		s.message(s, string(p))
		return
	}
	s.Send(ws.AppendFrame(nil, op, p))
}

func (s *session) Control(op ws.OpCode) {
	if s.control != nil {
		s.control(s, op)
	}
}

func (s *session) Check() time.Duration {
	if s.check != nil {
		return s.check(s)
	}
	return time.Hour
}

func (s *session) Gone() {
	if s.gone != nil {
		s.gone(s)
	}
	s.Loop().Remove(&s.Subscriber)
}

func (s *session) MaxMessageSize() int64 { return 1 << 20 }

func (s *session) subscribe(channel string) {
	s.Send(s.directory.Subscribe(&s.Subscriber, []byte(channel), pusher.KindOf([]byte(channel)), nil).Success)
}

func textOf(s string) broadcast.Frame { return ws.AppendFrame(nil, ws.OpText, []byte(s)) }

// api answers with the method, the path and the body. Paths that begin with /slow wait for a release.
type api struct{ release chan struct{} }

func (a *api) Immediate(r *http.Request) bool { return !strings.HasPrefix(r.URL.Path, "/slow") }

func (a *api) Serve(l *broadcast.Loop, w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/slow") {
		if l != nil {
			panic("on a loop")
		}
		<-a.release
	}
	if strings.HasSuffix(r.URL.Path, "/panic") {
		panic("on purpose")
	}
	body, _ := io.ReadAll(r.Body)
	w.Header()["Content-Type"] = []string{"text/plain"}
	_, _ = fmt.Fprintf(w, "%s %s %s", r.Method, r.URL.Path, body)
}

// startServer runs a server until the test ends; how changes its options, and the server before it runs. Run must return nil.
func startServer(t *testing.T, loops int, how func(o *Options, s *Server)) (s *Server, addr string) {
	t.Helper()
	l := loopback(t)
	addr = l.Addr().String()
	o := Options{
		Listeners: []net.Listener{l}, Hub: broadcast.NewHub(broadcast.Options{Loops: loops}), API: &api{}, MaxRequestSize: 10_000,
	}
	directory := o.Hub.NewDirectory("app")
	o.Accept = func(path string) Session {
		if path == "/ws" {
			return &session{directory: directory}
		}
		return nil
	}
	probe := &Server{}
	if how != nil {
		how(&o, probe)
	}
	s = New(o)
	for _, d := range []struct{ given, use *time.Duration }{
		{&probe.requestTimeout, &s.requestTimeout}, {&probe.idleTimeout, &s.idleTimeout}, {&probe.lingeringTimeout, &s.lingeringTimeout},
		{&probe.drainGrace, &s.drainGrace},
		{&probe.handshakeTimeout, &s.handshakeTimeout},
	} {
		if *d.given != 0 {
			*d.use = *d.given
		}
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Run() }()
	select {
	case <-s.Booted():
	case err := <-ended:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		if err := s.Shutdown(ctx, 0, 0); err != nil {
			t.Error("Shutdown:", err)
		}
		if err := receiveOne(t, ended, "Run returns"); err != nil {
			t.Error("Run:", err)
		}
	})
	return s, addr
}

// with is startServer with sessions that configure makes.
func with(configure func(s *session)) func(*Options, *Server) {
	return func(o *Options, _ *Server) {
		directory := o.Hub.NewDirectory("app")
		o.Accept = func(path string) Session {
			if path != "/ws" {
				return nil
			}
			s := &session{directory: directory}
			configure(s)
			return s
		}
	}
}

// Bytes behind the handshake in the same packet are the first frame; and a handshake may come in any pieces.
func TestFirstFrameBesideTheHandshake(t *testing.T) {
	_, addr := startServer(t, 2, nil)
	c := dial(t, addr)
	c.send(upgradeRequest + textFrame("one") + textFrame("two")[:3])
	c.upgraded()
	c.gets(ws.OpText, "one")
	c.send(textFrame("two")[3:])
	c.gets(ws.OpText, "two")

	all := upgradeRequest + textFrame("first")
	for i := 1; i < len(all); i += 7 {
		c := dial(t, addr)
		c.send(all[:i])
		time.Sleep(time.Millisecond) // so that it is mostly two packets; the answer is the same if it is one
		c.send(all[i:])
		c.upgraded()
		c.gets(ws.OpText, "first")
		_ = c.Close()
	}
}

func TestHandshakeRefused(t *testing.T) {
	_, addr := startServer(t, 1, nil)
	for _, tc := range []struct {
		name, request string
		status        int
	}{
		{"no upgrade", request("GET", "/ws"), 426},
		{"POST", strings.Replace(upgradeRequest, "GET", "POST", 1), 405},
		{"no key", strings.Replace(upgradeRequest, "dGhlIHNhbXBsZSBub25jZQ==", "x", 1), 400},
		{"old version", strings.Replace(upgradeRequest, "Version: 13", "Version: 8", 1), 426},
		{"no connection header", strings.Replace(upgradeRequest, "Connection: Upgrade", "Connection: close", 1), 400},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := dial(t, addr)
			c.send(tc.request + textFrame("is not a request either"))
			if status, _, _ := c.answer("GET"); status != tc.status {
				t.Error(status)
			}
			c.ends()
		})
	}
}

// Only /ws is a WebSocket here, and only the WebSocket protocol is an upgrade.
func TestOtherUpgradesAreIgnored(t *testing.T) {
	_, addr := startServer(t, 1, nil)
	c := dial(t, addr)
	c.send(request("POST", "/a", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA", "Content-Length: 2") + "hi")
	if status, _, body := c.answer("POST"); status != 200 || body != "POST /a hi" {
		t.Error(status, body)
	}
	c.send(strings.Replace(upgradeRequest, "/ws", "/other", 1))
	if status, _, body := c.answer("GET"); status != 200 || body != "GET /other " {
		t.Error(status, body)
	}
}

// A connection that does not come to a request within its time ends, whatever it sends meanwhile.
func TestRequestTimeout(t *testing.T) {
	_, addr := startServer(t, 1, func(_ *Options, s *Server) { s.requestTimeout = 300 * time.Millisecond })
	t.Run("nothing is sent", func(t *testing.T) {
		dial(t, addr).ends()
	})
	t.Run("half a handshake", func(t *testing.T) {
		c := dial(t, addr)
		c.send(upgradeRequest[:50])
		if status, header, _ := c.answer("GET"); status != 408 || header.Get("Connection") != "close" {
			t.Error(status, header)
		}
		c.ends()
	})
	t.Run("empty lines, again and again", func(t *testing.T) {
		c := dial(t, addr)
		go func() {
			for range 1000 {
				if _, err := io.WriteString(c, "\r\n"); err != nil {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		}()
		c.gone()
	})
	t.Run("byte by byte", func(t *testing.T) {
		c := dial(t, addr)
		go func() {
			for i := range 1000 {
				if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nA: "[min(i, 17):min(i, 17)+1]); err != nil {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		}()
		if status, _, _ := c.answer("GET"); status != 408 {
			t.Error(status)
		}
		c.gone()
	})
	t.Run("the body is missing", func(t *testing.T) {
		c := dial(t, addr)
		c.send(request("POST", "/", "Content-Length: 5") + "1234")
		if status, _, _ := c.answer("GET"); status != 408 {
			t.Error(status)
		}
		c.ends()
	})
	t.Run("half of the second request", func(t *testing.T) {
		c := dial(t, addr)
		c.send(request("GET", "/"))
		if status, _, _ := c.answer("GET"); status != 200 {
			t.Error(status)
		}
		time.Sleep(time.Second) // it has been found idle, and been given the time for that
		c.send(request("GET", "/")[:20])
		if status, _, _ := c.answer("GET"); status != 408 { // not when an idle connection would be ended
			t.Error(status)
		}
		c.ends()
	})
	t.Run("an upgraded connection has time", func(t *testing.T) {
		c := dialWS(t, addr)
		time.Sleep(time.Second)
		c.send(textFrame("here"))
		c.gets(ws.OpText, "here")
	})
}

func TestIdleTimeout(t *testing.T) {
	_, addr := startServer(t, 1, func(_ *Options, s *Server) {
		s.requestTimeout, s.idleTimeout = 100*time.Millisecond, 300*time.Millisecond
	})
	c := dial(t, addr)
	c.send(request("GET", "/"))
	c.answer("GET")
	c.ends()
}

// Pipelined requests are answered in the order in which they came, though workers answer some of them.
func TestPipelinedRequestsAreAnsweredInOrder(t *testing.T) {
	release := make(chan struct{})
	_, addr := startServer(t, 2, func(o *Options, _ *Server) { o.API = &api{release} })
	c := dial(t, addr)
	const n = 60
	var all strings.Builder
	for i := range n {
		path := fmt.Sprint("/fast/", i)
		if i%3 == 1 {
			path = fmt.Sprint("/slow/", i)
		}
		all.WriteString(request("POST", path, "Content-Length: 3") + fmt.Sprintf("%03d", i))
	}
	c.send(all.String()[:all.Len()/2+5])
	go func() {
		for range n / 3 {
			release <- struct{}{}
		}
	}()
	for i := range n {
		if i == 10 {
			c.send(all.String()[all.Len()/2+5:])
		}
		want := fmt.Sprintf("POST /fast/%d %03d", i, i)
		if i%3 == 1 {
			want = strings.Replace(want, "fast", "slow", 1)
		}
		status, header, body := c.answer("POST")
		if status != 200 || body != want || header.Get("Connection") != "keep-alive" || header.Get("Date") == "" ||
			header.Get("Content-Length") != strconv.Itoa(len(want)) {
			t.Fatalf("answer %d: %d %v %q", i, status, header, body)
		}
	}
	c.send(request("GET", "/last", "Connection: close") + request("GET", "/behind the last"))
	if _, header, body := c.answer("GET"); body != "GET /last " || header.Get("Connection") != "close" {
		t.Error(header, body)
	}
	c.ends()
}

// A handshake behind a request that a worker answers waits for its turn.
func TestUpgradeBehindASlowRequest(t *testing.T) {
	release := make(chan struct{})
	_, addr := startServer(t, 1, func(o *Options, _ *Server) { o.API = &api{release} })
	c := dial(t, addr)
	c.send(request("GET", "/slow") + upgradeRequest + textFrame("x"))
	release <- struct{}{}
	c.answer("GET")
	c.upgraded()
	c.gets(ws.OpText, "x")
}

func TestKeepAlive(t *testing.T) {
	_, addr := startServer(t, 1, nil)
	for _, tc := range []struct {
		name, request string
		stays         bool
	}{
		{"1.1", request("GET", "/"), true},
		{"1.1 with close", request("GET", "/", "Connection: close"), false},
		{"1.1 with Close among others", request("GET", "/", "Connection: x, Close"), false},
		{"1.0", "GET / HTTP/1.0\r\n\r\n", false},
		{"1.0 with keep-alive", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := dial(t, addr)
			c.send(tc.request)
			if status, _, body := c.answer("GET"); status != 200 || body != "GET / " {
				t.Error(status, body)
			}
			if !tc.stays {
				c.ends()
				return
			}
			c.send(request("GET", "/2"))
			if _, _, body := c.answer("GET"); body != "GET /2 " {
				t.Error(body)
			}
		})
	}
}

func TestRequestLimits(t *testing.T) {
	_, addr := startServer(t, 1, nil)
	for _, tc := range []struct {
		name, request string
		status        int
	}{
		{"body announced too large", request("POST", "/", "Content-Length: 10001"), 413},
		{"length that no sum can hold", request("POST", "/", "Content-Length: 9223372036854775807"), 413},
		{"chunk announced too large", request("POST", "/", "Transfer-Encoding: chunked") + "fffff\r\n", 413},
		{"head without end", "GET / HTTP/1.1\r\nA: " + strings.Repeat("x", 10_000), 413},
		{"not HTTP", "\x16\x03\x01\n\n", 400},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := dial(t, addr)
			c.send(tc.request)
			if status, header, _ := c.answer("GET"); status != tc.status || header.Get("Connection") != "close" {
				t.Error(status, header)
			}
			c.send(strings.Repeat("x", 100_000)) // is read and thrown away, so that the answer is not lost
			c.ends()
		})
	}
}

func TestExpectContinue(t *testing.T) {
	_, addr := startServer(t, 1, nil)
	c := dial(t, addr)
	for range 2 {
		c.send(request("POST", "/", "Expect: 100-continue", "Transfer-Encoding: chunked"))
		if status, _, _ := c.answer("POST"); status != 100 {
			t.Fatal(status)
		}
		c.send("2\r\nhi\r\n")
		c.send("0\r\n\r\n")
		if status, _, body := c.answer("POST"); status != 200 || body != "POST / hi" {
			t.Fatal(status, body)
		}
	}
	c.send(request("POST", "/", "Expect: 100-continue", "Content-Length: 2") + "hi")
	if status, _, _ := c.answer("POST"); status != 200 {
		t.Error(status, "though the body was there")
	}
	c.send(request("POST", "/", "Expect: 100-continue", "Content-Length: 20000"))
	if status, _, _ := c.answer("POST"); status != 413 {
		t.Error(status)
	}
}

// A HEAD is answered without a body, whoever answers, so that the next answer is not misread.
func TestHeadHasNoBody(t *testing.T) {
	release := make(chan struct{})
	close(release)
	_, addr := startServer(t, 1, func(o *Options, _ *Server) { o.API = &api{release} })
	c := dial(t, addr)
	for _, path := range []string{"/", "/slow", "/panic", "/slow/panic"} {
		c.send(request("HEAD", path) + request("GET", "/next"))
		status, header, _ := c.answer("HEAD")
		if want := 200 + 300*strings.Count(path, "panic"); status != want || header.Get("Content-Length") == "0" {
			t.Error(path, status, header)
		}
		if _, _, body := c.answer("GET"); body != "GET /next " {
			t.Error(path, body)
		}
	}
}

// A panic of the API costs its request.
func TestAPIPanic(t *testing.T) {
	release := make(chan struct{})
	close(release)
	_, addr := startServer(t, 1, func(o *Options, _ *Server) { o.API = &api{release} })
	c := dial(t, addr)
	for _, path := range []string{"/panic", "/slow/panic"} {
		c.send(request("GET", path) + request("GET", "/after"))
		if status, _, body := c.answer("GET"); status != 500 || body != "Internal server error." {
			t.Error(status, body)
		}
		if status, _, _ := c.answer("GET"); status != 200 {
			t.Error(status)
		}
	}
}

// When the workers' queue is full a request is refused, and its connection goes on.
func TestWorkersFull(t *testing.T) {
	release := make(chan struct{})
	_, addr := startServer(t, 2, func(o *Options, _ *Server) { o.API = &api{release} })
	room := max(8, 4*runtime.GOMAXPROCS(0)) + 1024
	clients := make([]*client, room+50)
	for i := range clients {
		clients[i] = dial(t, addr)
		clients[i].send(request("HEAD", "/slow") + request("GET", "/fast"))
	}
	var refused atomic.Int64
	full := make(chan struct{})
	go func() { // releases only when some have been refused
		<-full
		close(release)
	}()
	var all sync.WaitGroup
	for _, c := range clients {
		all.Go(func() {
			res, err := http.ReadResponse(c.r, &http.Request{Method: "HEAD"})
			if err != nil {
				t.Error(err)
				return
			}
			if res.StatusCode == 503 && res.Header.Get("Retry-After") == "1" {
				if refused.Add(1) == 50 {
					close(full)
				}
			} else if res.StatusCode != 200 {
				t.Error(res.StatusCode)
			}
			res, err = http.ReadResponse(c.r, nil)
			if err != nil || res.StatusCode != 200 {
				t.Error("the request behind it:", err)
			}
		})
	}
	all.Wait()
	if n := refused.Load(); n < 50 {
		t.Errorf("%d refused", n)
	}
}

// Too many pipelined requests behind a slow one end the connection behind the answer that is due; nothing else is taken for it.
func TestTooMuchPipelined(t *testing.T) {
	release := make(chan struct{})
	s, addr := startServer(t, 1, func(o *Options, _ *Server) { o.API = &api{release} })
	c := dial(t, addr)
	c.send(request("GET", "/slow"))
	c.send(strings.Repeat(request("GET", "/more"), 2*s.maxPipelined()/len(request("GET", "/more"))))
	// The release must come when everything has been read, or some of it is answered as it should be.
	other := dial(t, addr)
	for range 20 {
		other.send(request("GET", "/other"))
		other.answer("GET")
	}
	release <- struct{}{}
	if status, _, body := c.answer("GET"); status != 200 || body != "GET /slow " {
		t.Error(status, body)
	}
	for {
		res, err := http.ReadResponse(c.r, nil)
		if err != nil {
			break
		}
		if res.StatusCode != 200 {
			t.Error(res.StatusCode)
		}
		_, _ = io.Copy(io.Discard, res.Body)
	}
}

// The cap is exact, and there is room again when one has gone.
func TestMaxConnections(t *testing.T) {
	s, addr := startServer(t, 2, func(o *Options, _ *Server) { o.MaxConnections = 5 })
	var served []*client
	for range 5 {
		served = append(served, dialWS(t, addr))
	}
	for range 20 {
		dial(t, addr).gone()
	}
	if n := s.stats.refused.Load(); n != 20 {
		t.Errorf("%d refused", n)
	}
	for _, c := range served {
		c.send(textFrame("x"))
		c.gets(ws.OpText, "x")
	}
	_ = served[0].Close()
	eventually(t, "the place is free", func() bool { return s.Connections() == 4 })
	c := dialWS(t, addr)
	c.send(textFrame("new"))
	c.gets(ws.OpText, "new")
}

// A client that does not read is cut off with 4100 once more than the limit waits for it; another one, on the same loop, gets
// everything, and what the server holds stays bounded.
func TestSlowConsumer(t *testing.T) {
	const limit, size, events = 256 << 10, 32 << 10, 1000
	var largest atomic.Int64
	configure := func(s *session) {
		s.open = func(s *session, l *broadcast.Loop, c broadcast.Conn) {
			s.join(l, c)
			s.check = func(*session) time.Duration { return time.Hour }
			cn := c.(*conn)
			s.message = func(s *session, p string) {
				switch p {
				case "listen":
					s.subscribe("room")
				case "publish":
					for _, b := range cn.loop.wheel.all() {
						largest.Store(max(largest.Load(), int64(b.gnet.OutboundBuffered())))
					}
					if err := s.directory.Publish(s.Loop(), []byte("room"), textOf(strings.Repeat("x", size)), 0); err != nil {
						s.Send(textOf(err.Error()))
						return
					}
					s.Send(textOf("published"))
				}
			}
		}
	}
	s, addr := startServer(t, 1, func(o *Options, sv *Server) {
		with(configure)(o, sv)
		o.SlowConsumerBytes = limit
		sv.lingeringTimeout = time.Minute // it reads its last bytes when the others are done
	})
	slow, good, publisher := dialWS(t, addr), dialWS(t, addr), dialWS(t, addr)
	for _, c := range []*client{slow, good} {
		c.send(textFrame("listen"))
		if _, _, err := c.next(); err != nil {
			t.Fatal(err)
		}
	}
	for range events {
		publisher.send(textFrame("publish"))
		publisher.gets(ws.OpText, "published")
		good.gets(ws.OpText, strings.Repeat("x", size))
	}
	if n := s.stats.slowConsumers.Load(); n != 1 {
		t.Errorf("%d slow consumers, want 1", n)
	}
	if n := largest.Load(); n > limit+joinedAtMost(size)+128 {
		t.Errorf("%d bytes waited for one client, the limit is %d", n, limit)
	}
	// What it has missed it has missed; what it gets is whole frames, and then the error and the close.
	told := false
	for n := 0; ; n++ {
		op, p, err := slow.next()
		if err != nil {
			t.Fatal("the connection ended without a close frame behind", n, "events:", err)
		}
		if op == ws.OpClose {
			if p != "\x10\x04Slow consumer" { // 4100
				t.Errorf("%q", p)
			}
			break
		}
		if told {
			t.Fatal("an event behind the error")
		}
		if told = p == `{"event":"pusher:error","data":{"code":4100,"message":"Slow consumer"}}`; told {
			continue
		}
		if len(p) != size || n > events {
			t.Fatal("a broken frame")
		}
	}
	if !told {
		t.Error("no error before the close frame")
	}
	slow.ends()
}

// joinedAtMost is the largest single write of events of that size.
func joinedAtMost(size int) int64 { return int64(max(64<<10, size+10)) }

// A client of HTTP that does not read its answers is dropped.
func TestSlowConsumerOfAnswers(t *testing.T) {
	s, addr := startServer(t, 1, func(o *Options, _ *Server) { o.SlowConsumerBytes, o.MaxRequestSize = 64<<10, 0 })
	c := dial(t, addr)
	_ = c.Conn.(*net.TCPConn).SetReadBuffer(4096)
	body := strings.Repeat("x", 100_000)
	for range 200 {
		if _, err := io.WriteString(c, request("POST", "/", "Content-Length: 100000")+body); err != nil {
			break
		}
	}
	eventually(t, "it is dropped", func() bool { return s.Connections() == 0 && s.stats.slowConsumers.Load() == 1 })
}

func TestCloseHandshake(t *testing.T) {
	gone := make(chan struct{}, 100)
	s, addr := startServer(t, 1, func(o *Options, s *Server) {
		with(func(s *session) {
			once := false
			s.gone = func(*session) {
				if !once {
					once = true
					gone <- struct{}{}
				}
			}
			s.message = func(s *session, p string) {
				switch p {
				case "end":
					s.Send(textOf("last words"))
					s.Close(4009, "because")
					s.Send(textOf("not sent"))
				default:
					s.Send(textOf(p))
				}
			}
		})(o, s)
		s.lingeringTimeout = 300 * time.Millisecond
	})
	t.Run("the client's close is echoed", func(t *testing.T) {
		c := dialWS(t, addr)
		c.send(textFrame("x") + closeFrame(1000, "bye") + textFrame("not seen"))
		c.gets(ws.OpText, "x")
		c.gets(ws.OpClose, "\x03\xe8bye")
		receiveOne(t, gone, "Gone")
		c.ends()
	})
	t.Run("the server's close is followed by the end", func(t *testing.T) {
		c := dialWS(t, addr)
		c.send(textFrame("end") + textFrame("not seen"))
		c.gets(ws.OpText, "last words")
		c.closed(4009)
		receiveOne(t, gone, "Gone")
		c.send(closeFrame(4009, "")) // is read and thrown away
	})
	t.Run("a violation", func(t *testing.T) {
		c := dialWS(t, addr)
		c.send("\x81\x05hello")
		c.closed(1002)
		receiveOne(t, gone, "Gone")
	})
	t.Run("a client that never closes is dropped", func(t *testing.T) {
		eventually(t, "the others have gone", func() bool { return s.Connections() == 0 })
		c := dialWS(t, addr)
		c.send(textFrame("end"))
		c.gets(ws.OpText, "last words")
		c.closed(4009) // and the client's end stays open
		eventually(t, "it is dropped", func() bool { return s.Connections() == 0 })
	})
	t.Run("a client that goes without a word", func(t *testing.T) {
		c := dialWS(t, addr)
		for len(gone) > 0 {
			<-gone
		}
		_ = c.Conn.(*net.TCPConn).SetLinger(0)
		_ = c.Close()
		receiveOne(t, gone, "Gone")
	})
}

// A panic in a session ends that connection and no other, wherever it happens.
func TestSessionPanic(t *testing.T) {
	s, addr := startServer(t, 1, with(func(s *session) {
		s.message = func(s *session, p string) {
			switch p {
			case "panic":
				panic("on purpose")
			case "panic when checked":
				s.check = func(*session) time.Duration { panic("on purpose") }
				return
			case "panic when gone":
				s.gone = func(s *session) {
					_ = s.directory.Publish(s.Loop(), []byte("room"), textOf("famous last words"), 0)
					panic("on purpose")
				}
				return
			case "listen":
				s.subscribe("room")
				return
			}
			s.Send(textOf(p))
		}
		s.check = func(s *session) time.Duration { return tick }
	}))
	other := dialWS(t, addr)
	other.send(textFrame("listen"))
	if _, _, err := other.next(); err != nil {
		t.Fatal(err)
	}
	for i, what := range []string{"panic", "panic when checked"} {
		c := dialWS(t, addr)
		c.send(textFrame(what))
		c.gone()
		other.send(textFrame("x"))
		other.gets(ws.OpText, "x")
		eventually(t, "it has gone", func() bool { return s.Connections() == 1 })
		if n := s.stats.panics.Load(); n != int64(i+1) {
			t.Errorf("%d panics", n)
		}
	}
	// What was published before the panic is delivered, though nobody is heard any more on this loop.
	c := dialWS(t, addr)
	c.send(textFrame("panic when gone"))
	c.send(textFrame("x"))
	c.gets(ws.OpText, "x")
	_ = c.Close()
	other.gets(ws.OpText, "famous last words")
}

// A panic in a session that has published leaves the loop awake: others get what was published.
func TestPanicDoesNotStopTheLoop(t *testing.T) {
	ticked := make(chan struct{}, 1000)
	_, addr := startServer(t, 1, with(func(s *session) {
		s.message = func(s *session, p string) {
			s.subscribe("room")
			if p == "panic" {
				_ = s.directory.Publish(s.Loop(), []byte("room"), textOf("event"), 0)
				panic("on purpose")
			}
		}
		s.check = func(s *session) time.Duration {
			select {
			case ticked <- struct{}{}:
			default:
			}
			return tick
		}
	}))
	other := dialWS(t, addr)
	other.send(textFrame("listen"))
	if _, _, err := other.next(); err != nil {
		t.Fatal(err)
	}
	c := dialWS(t, addr)
	c.send(textFrame("panic"))
	other.gets(ws.OpText, "event")
	for len(ticked) > 0 {
		<-ticked
	}
	receiveOne(t, ticked, "the wheel goes on")
}

// countingConn tells of the writes of a loop.
type countingConn struct {
	broadcast.Conn
	wrote func()
}

func (c countingConn) Write(p []byte) {
	c.wrote()
	c.Conn.Write(p)
}

// A fan-out does not hold up the loop's other clients: one that sends a ping in the middle of it is answered between two turns
// of the drain, not behind the last delivery.
func TestFanOutIsInterrupted(t *testing.T) {
	subscribers := 3000
	if testing.Short() {
		subscribers = 300
	}
	const middle = 100
	writes := 0 // owned by the loop, as all below
	var pinger *client
	wrote := func() {
		if writes++; writes == middle && pinger != nil {
			pinger.send(frame(ws.OpPing, "now")) // lies in the socket before the next delivery
		}
	}
	start, pinged := make(chan *client, 1), make(chan int, 1)
	_, addr := startServer(t, 1, with(func(s *session) {
		s.message = func(s *session, p string) {
			switch p {
			case "listen":
				s.subscribe("room")
			case "publish":
				pinger = <-start
				writes = 0
				_ = s.directory.Publish(s.Loop(), []byte("room"), textOf("event"), 0)
			}
		}
		s.open = func(s *session, l *broadcast.Loop, c broadcast.Conn) { s.join(l, countingConn{c, wrote}) }
		s.control = func(_ *session, op ws.OpCode) {
			if op == ws.OpPing {
				pinged <- writes
			}
		}
	}))
	all := make([]*client, subscribers)
	for i := range all {
		all[i] = dialWS(t, addr)
		all[i].send(textFrame("listen"))
	}
	for _, c := range all {
		if _, _, err := c.next(); err != nil {
			t.Fatal(err)
		}
	}
	// The waker is in place soon after the first connection: by now thousands of reads have been served.
	c, publisher := dialWS(t, addr), dialWS(t, addr)
	publisher.send(textFrame("publish"))
	start <- c
	n := receiveOne(t, pinged, "the ping is read")
	if n < middle || n >= subscribers {
		t.Errorf("the ping came in delivery %d and was read in delivery %d of %d", middle, n, subscribers)
	}
	c.gets(ws.OpPong, "now")
	for _, c := range all {
		c.gets(ws.OpText, "event")
	}
}

// Events keep their order though a fan-out is cut into turns and mixed with what is published meanwhile, on all loops.
func TestFanOutKeepsOrder(t *testing.T) {
	const subscribers, events = 200, 300
	s, addr := startServer(t, 2, with(func(s *session) {
		s.message = func(s *session, _ string) { s.subscribe("room") }
	}))
	all := make([]*client, subscribers)
	for i := range all {
		all[i] = dialWS(t, addr)
		all[i].send(textFrame("listen"))
		if _, _, err := all[i].next(); err != nil {
			t.Fatal(err)
		}
	}
	directory := directoryOf(t, s)
	var readers sync.WaitGroup
	for _, c := range all {
		readers.Go(func() {
			for i := range events {
				if _, p, err := c.next(); err != nil || p != strconv.Itoa(i) {
					t.Errorf("event %d: got %q, %v", i, p, err)
					return
				}
			}
		})
	}
	for i := range events {
		if err := directory.Publish(nil, []byte("room"), textOf(strconv.Itoa(i)), 0); err != nil {
			t.Fatal(err)
		}
	}
	readers.Wait()
}

// directoryOf is the directory that with gave to the sessions.
func directoryOf(t *testing.T, s *Server) *broadcast.Directory {
	t.Helper()
	return s.options.Accept("/ws").(*session).directory
}

// taskFunc is a broadcast.Task made of a function.
type taskFunc func()

func (f taskFunc) Run() { f() }

// What is posted to a loop before its first connection is carried out with it, and does not keep the loop from being woken
// later: a client that says nothing at all is looked at in time.
func TestPostedBeforeTheFirstConnection(t *testing.T) {
	ran := make(chan struct{})
	_, addr := startServer(t, 1, func(o *Options, s *Server) {
		s.requestTimeout = 300 * time.Millisecond
		o.Hub.Loops()[0].Post(taskFunc(func() { close(ran) }))
	})
	c := dial(t, addr)
	receiveOne(t, ran, "the task runs")
	c.ends()
}

// Any goroutine may post while loops come to life and after the server has ended.
func TestPostedAtAnyTime(t *testing.T) {
	var hub *broadcast.Hub
	stop := make(chan struct{})
	var posters sync.WaitGroup
	defer posters.Wait()
	defer close(stop)
	var ran, posted atomic.Int64
	_, addr := startServer(t, 4, func(o *Options, _ *Server) { hub = o.Hub })
	for _, l := range hub.Loops() {
		posters.Go(func() {
			for range 2000 {
				select {
				case <-stop:
					return
				default:
				}
				posted.Add(1)
				l.Post(taskFunc(func() { ran.Add(1) }))
			}
		})
	}
	for range 100 {
		c := dialWS(t, addr)
		c.send(textFrame("x"))
		c.gets(ws.OpText, "x")
	}
	eventually(t, "everything has run", func() bool { return ran.Load() == 8000 })
}

// Shutdown tells everyone 4200, but newcomers 4100, who would come back at once to the same process. Run returns nil.
func TestShutdown(t *testing.T) {
	release := make(chan struct{})
	l := loopback(t)
	addr := l.Addr().String()
	hub := broadcast.NewHub(broadcast.Options{Loops: 2})
	s := New(Options{
		Listeners: []net.Listener{l}, Hub: hub, API: &api{release}, MaxRequestSize: 10_000,
		Accept: func(path string) Session {
			if path == "/ws" {
				return &session{}
			}
			return nil
		},
	})
	s.drainGrace = 20 * time.Second
	ran := make(chan error, 1)
	go func() { ran <- s.Run() }()
	receiveOne(t, s.Booted(), "boot")

	var clients []*client
	for range 100 {
		clients = append(clients, dialWS(t, addr))
	}
	idle, pooled := dial(t, addr), dial(t, addr)
	for _, c := range []*client{idle, pooled} {
		c.send(request("GET", "/"))
		c.answer("GET")
	}
	pooled.send(upgradeRequest[:40])
	waiting, halfway := dial(t, addr), dial(t, addr)
	waiting.send(request("GET", "/slow") + request("GET", "/too late"))
	halfway.send(upgradeRequest[:40])
	eventually(t, "all are there", func() bool { return s.Connections() == 104 })
	idle2 := dialWS(t, addr) // a round trip on some loop, behind the bytes above
	clients = append(clients, idle2)

	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- s.Shutdown(ctx, 0, 0) }()
	for _, c := range clients {
		c.closed(4200)
		_ = c.Close()
	}
	idle.ends()
	_ = idle.Close()
	if c, err := net.Dial("tcp", addr); err == nil {
		_ = c.Close()
		t.Error("somebody still listens")
	}

	halfway.send(upgradeRequest[40:]) // connects while everyone else is told to go
	halfway.upgraded()
	halfway.closed(4100) // a second is time enough for another process to listen
	_ = halfway.Close()
	pooled.send(upgradeRequest[40:]) // through a proxy, which has kept the connection
	if status, header, body := pooled.answer("GET"); status != 503 || header.Get("Connection") != "close" {
		t.Error(status, header, body)
	}
	pooled.ends()
	_ = pooled.Close()

	close(release) // what is being worked on is finished
	if _, header, body := waiting.answer("GET"); body != "GET /slow " || header.Get("Connection") != "close" {
		t.Error(header, body)
	}
	waiting.ends()
	_ = waiting.Close()
	if err := receiveOne(t, stopped, "Shutdown returns"); err != nil {
		t.Error("Shutdown:", err)
	}
	if err := receiveOne(t, ran, "Run returns"); err != nil {
		t.Error("Run:", err)
	}
	if n := s.Connections(); n != 0 {
		t.Errorf("%d connections are left", n)
	}
	again, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal("the port is not free:", err)
	}
	_ = again.Close()
}

// A signal may come before the server listens.
func TestShutdownAtOnce(t *testing.T) {
	for range 3 {
		s := New(Options{Listeners: []net.Listener{loopback(t)}, Hub: broadcast.NewHub(broadcast.Options{Loops: 2}), API: &api{}})
		ran := make(chan error, 1)
		go func() { ran <- s.Run() }()
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx, 0, 0); err != nil {
			t.Error("Shutdown:", err)
		}
		if err := receiveOne(t, ran, "Run returns"); err != nil {
			t.Error("Run:", err)
		}
	}
}

func TestShutdownOfAServerThatNeverRuns(t *testing.T) {
	s := New(Options{Hub: broadcast.NewHub(broadcast.Options{}), API: &api{}})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Shutdown(ctx, 0, 0); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
