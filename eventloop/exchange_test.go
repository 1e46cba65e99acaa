package eventloop

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"reverbd/protocol/ws"
)

// Only /ws is for WebSockets here, and only the WebSocket protocol is an upgrade.
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

// A connection on which no complete request arrives within the timeout ends, whatever it sends meanwhile.
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
		time.Sleep(time.Second) // its timer has fired, and has been set to the idle timeout
		c.send(request("GET", "/")[:20])
		if status, _, _ := c.answer("GET"); status != 408 { // and not after the idle timeout
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

// Pipelined requests are answered in the order in which they arrive, though workers answer some of them.
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
	c.send(request("GET", "/last", "Connection: close") + request("GET", "/after the last"))
	if _, header, body := c.answer("GET"); body != "GET /last " || header.Get("Connection") != "close" {
		t.Error(header, body)
	}
	c.ends()
}

// A WebSocket handshake after a request that a worker answers waits for the response.
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
		{"not HTTP", "\x01\x02\x03\n\n", 400},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := dial(t, addr)
			c.send(tc.request)
			if status, header, _ := c.answer("GET"); status != tc.status || header.Get("Connection") != "close" {
				t.Error(status, header)
			}
			c.send(strings.Repeat("x", 100_000)) // is read and discarded, so that the response is not lost
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

// HEAD is answered without a body, on a loop and on a worker, so that the client does not misread the next response.
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

// A panic of the API costs the request, and not the connection.
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

// When the queue of the workers is full a request is refused, and its connection goes on.
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
	go func() { // which ends only when some have been refused
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
				t.Error("the request after it:", err)
			}
		})
	}
	all.Wait()
	if n := refused.Load(); n < 50 {
		t.Errorf("%d refused", n)
	}
}

// Too many pipelined requests after a slow one end the connection with the response that is due, and no other response takes its place.
func TestTooMuchPipelined(t *testing.T) {
	release := make(chan struct{})
	s, addr := startServer(t, 1, func(o *Options, _ *Server) { o.API = &api{release} })
	c := dial(t, addr)
	c.send(request("GET", "/slow"))
	c.send(strings.Repeat(request("GET", "/more"), 2*s.maxPipelined()/len(request("GET", "/more"))))
	// Everything must have been read before the release; else some of the requests would be answered, and rightly.
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
