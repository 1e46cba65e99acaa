package eventloop

import (
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"reverbd/protocol/ws"
)

// A client that sends many messages at once is answered in order, and another client is served in between.
func TestAFastSenderLeavesRoomForOthers(t *testing.T) {
	const messages, middle = 200, 100
	for _, transport := range []string{"plain", "TLS"} {
		t.Run(transport, func(t *testing.T) {
			handled, served := 0, atomic.Int64{} // handled is owned by the loop
			var other atomic.Pointer[client]
			configure := func(o *Options, s *Server) {
				with(func(s *session) {
					s.message = func(s *session, p string) {
						for begin := time.Now(); time.Since(begin) < turnSlice/4; {
						}
						if handled++; handled == middle {
							other.Load().send(request("GET", "/")) // is in the socket before the next message is handled
						}
						s.Send(textOf(p))
					}
				})(o, s)
				o.API = immediate(func() { served.Store(int64(handled)) })
			}
			var c *client
			if transport == "TLS" {
				_, addr, config := startTLSServer(t, 1, configure)
				c = dialWSS(t, addr, config)
				other.Store(dialTLS(t, addr, config))
			} else {
				_, addr := startServer(t, 1, configure)
				c = dialWS(t, addr)
				other.Store(dial(t, addr))
			}
			other.Load().send(request("GET", "/"))
			other.Load().answer("GET")
			var all strings.Builder
			for i := range messages {
				all.WriteString(textFrame(fmt.Sprint(i)))
			}
			c.send(all.String())
			other.Load().answer("GET")
			if n := served.Load(); n < middle || n >= messages {
				t.Errorf("a request that came with message %d was served after %d of %d", middle, n, messages)
			}
			for i := range messages {
				c.gets(ws.OpText, fmt.Sprint(i))
			}
		})
	}
}

// What is held of one connection is what one read has brought: the rest stays in the kernel. Pipelined requests are held, too, and
// all of it is handled at last.
func TestReadingPausesWhileInputIsHeld(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("reading cannot be paused here")
	}
	var peak atomic.Int64
	s, addr := startServer(t, 1, with(func(s *session) {
		s.message = func(s *session, p string) {
			for begin := time.Now(); time.Since(begin) < turnSlice/8; {
			}
			for _, held := range s.Conn().(*conn).loop.held {
				peak.Store(max(peak.Load(), int64(len(held))))
			}
			s.Send(textOf(p))
		}
	}))
	c := dialWS(t, addr)
	const messages, size = 300, 5000
	text := strings.Repeat("x", size)
	go func() { // the client's socket and the server's do not hold it all
		for range messages {
			if _, err := c.Write([]byte(textFrame(text))); err != nil {
				return
			}
		}
		_, _ = c.Write([]byte(closeFrame(1000, "")))
	}()
	for range messages {
		c.gets(ws.OpText, text)
	}
	if op, _, err := c.next(); err != nil || op != ws.OpClose {
		t.Errorf("got %x, %v, want a close frame", byte(op), err)
	}
	if p := peak.Load(); p == 0 || p > 128<<10 {
		t.Errorf("%d bytes held", p)
	}
	left := make(chan int)
	s.loops[0].shared.Post(taskFunc(func() { left <- len(s.loops[0].held) }))
	if n := <-left; n != 0 {
		t.Errorf("%d connections have held input", n)
	}
}

// A client that goes while its input is held is forgotten, and so is its input.
func TestHeldInputOfAClientThatGoes(t *testing.T) {
	s, addr := startServer(t, 1, with(func(s *session) {
		s.message = func(s *session, p string) {
			for begin := time.Now(); time.Since(begin) < turnSlice; {
			}
			if p == "end" {
				s.Close(4009, "enough")
			}
		}
	}))
	for _, end := range []string{"end", "reset"} {
		c := dialWS(t, addr)
		c.send(strings.Repeat(textFrame("x"), 20) + textFrame(end) + strings.Repeat(textFrame("x"), 20))
		if end == "end" {
			c.closed(4009)
		}
		_ = c.Close()
	}
	eventually(t, "nothing is held", func() bool {
		left := make(chan int)
		s.loops[0].shared.Post(taskFunc(func() { left <- len(s.loops[0].held) + s.Connections() }))
		return <-left == 0
	})
}
