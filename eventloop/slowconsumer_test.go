package eventloop

import (
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"reverbd/broadcast"
	"reverbd/broadcast/limitlog"
	"reverbd/protocol/ws"
)

// A client that does not read is cut off with 4100 when more than the limit waits for it. Another client of the same loop gets every
// event, and the memory of the server stays bounded.
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
		sv.lingeringTimeout = time.Minute // it reads its last bytes when the other clients are done
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
	if n := s.refusals.Of(limitlog.SlowConsumer); n != 1 {
		t.Errorf("%d slow consumers, want 1", n)
	}
	if n := largest.Load(); n > limit+128 { // with the error and the close frame
		t.Errorf("%d bytes waited for one client, the limit is %d", n, limit)
	}
	// It gets whole frames until it was cut off, and then the error and the close frame.
	told := false
	for n := 0; ; n++ {
		op, p, err := slow.next()
		if err != nil {
			t.Fatal("the connection ended without a close frame after", n, "events:", err)
		}
		if op == ws.OpClose {
			if p != "\x10\x04Slow consumer" { // 4100
				t.Errorf("%q", p)
			}
			break
		}
		if told {
			t.Fatal("an event after the error")
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

// A frame that is larger than the limit is sent to a client for whom nothing waits; with the next frame the client is behind.
func TestFrameLargerThanTheLimit(t *testing.T) {
	const size = 32 << 20 // more than the sockets hold
	large := strings.Repeat("x", size)
	s, addr := startServer(t, 1, func(o *Options, sv *Server) {
		with(func(s *session) {
			s.message = func(s *session, p string) { s.Send(textOf(large)); s.Flush(); s.Send(textOf(p)) }
		})(o, sv)
		o.SlowConsumerBytes = 64 << 10
	})
	c := dialWS(t, addr)
	c.send(textFrame("hello"))
	c.gets(ws.OpText, large)
	c.closed(4100)
	if n := s.refusals.Of(limitlog.SlowConsumer); n != 1 {
		t.Errorf("%d slow consumers, want 1", n)
	}
}

func TestChunk(t *testing.T) {
	for n, want := range map[int]int{1: 1, 1000: 1000, 1024: 1024, 1500: 1024, 65_536: 65_536, 70_000: 65_536, 131_071: 65_536} {
		if got := chunk(n); got != want {
			t.Errorf("%d of %d bytes, want %d", got, n, want)
		}
	}
}

// An HTTP client that does not read its responses is dropped.
func TestSlowConsumerOfResponses(t *testing.T) {
	s, addr := startServer(t, 1, func(o *Options, _ *Server) { o.SlowConsumerBytes, o.MaxRequestSize = 64<<10, 0 })
	c := dial(t, addr)
	_ = c.Conn.(*net.TCPConn).SetReadBuffer(4096)
	body := strings.Repeat("x", 100_000)
	for range 200 {
		if _, err := io.WriteString(c, request("POST", "/", "Content-Length: 100000")+body); err != nil {
			break
		}
	}
	eventually(t, "it is dropped", func() bool { return s.Connections() == 0 && s.refusals.Of(limitlog.SlowConsumer) == 1 })
}
