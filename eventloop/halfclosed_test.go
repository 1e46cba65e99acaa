package eventloop

import (
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// half is what both kinds of stream sockets can do.
type half interface {
	net.Conn
	CloseWrite() error
}

// slowly is how a server answers /slow requests once release is closed.
func slowly(release chan struct{}) func(*Options, *Server) {
	return func(o *Options, _ *Server) { o.API = &api{release: release} }
}

// A client that ends its half behind its requests gets all of its answers, those of workers too, and the connection is closed then.
func TestHalfClosed(t *testing.T) {
	release := make(chan struct{})
	path := filepath.Join(t.TempDir(), "sock")
	unixListener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s, addr := startServer(t, 2, func(o *Options, s *Server) {
		slowly(release)(o, s)
		o.Listeners = append(o.Listeners, unixListener)
	})
	answer := sync.OnceFunc(func() { close(release) })
	defer answer()
	for _, tc := range []struct{ name, requests, want string }{
		{"one request", request("GET", "/slow"), "/slow"},
		{"several", request("GET", "/slow/1") + request("GET", "/a") + request("GET", "/slow/2"), "/slow/1 /a /slow/2"},
		{"one at the end that is not whole", request("GET", "/slow") + "GET /b HTTP/1.1\r\nHost:", "/slow"},
		{"one behind close", request("GET", "/slow", "Connection: close") + request("GET", "/c"), "/slow"},
		{"one that a loop answers", request("GET", "/d"), "/d"},
	} {
		for _, network := range []string{"tcp", "unix"} {
			t.Run(tc.name+" "+network, func(t *testing.T) {
				address := addr
				if network == "unix" {
					address = path
				}
				nc, err := net.Dial(network, address)
				if err != nil {
					t.Fatal(err)
				}
				defer nc.Close()
				c := newClient(t, nc)
				c.send(tc.requests)
				if err := nc.(half).CloseWrite(); err != nil {
					t.Fatal(err)
				}
				if tc.name == "one request" && network == "tcp" {
					eventually(t, "the loop has seen the end", func() bool { return halfClosed(s) == 1 })
					answer()
				}
				for _, want := range strings.Fields(tc.want) {
					if _, _, body := c.answer("GET"); body != "GET "+want+" " {
						t.Fatalf("got %q, want %s", body, want)
					}
				}
				c.ends()
			})
		}
	}
	eventually(t, "all connections are counted out", func() bool { return s.Connections() == 0 })
}

// halfClosed is the number of connections that are sent the rest through a duplicate of their descriptor.
func halfClosed(s *Server) (n int) {
	for _, l := range s.loops {
		counted := make(chan struct{})
		l.shared.Post(taskFunc(func() {
			for i := range l.wheel.slots {
				for c := l.wheel.slots[i].first; c != nil; c = c.next {
					if c.isHalfClosed() {
						n++
					}
				}
			}
			close(counted)
		}))
		<-counted
	}
	return n
}

// An answer that does not fit the socket's buffer is sent as far as the client takes it.
func TestHalfClosedGetsALongAnswer(t *testing.T) {
	release := make(chan struct{})
	_, addr := startServer(t, 1, func(o *Options, _ *Server) {
		o.API, o.MaxRequestSize, o.SlowConsumerBytes = &api{release: release}, 0, 64<<20
	})
	c := dial(t, addr)
	long := strings.Repeat("x", 16<<20)
	c.send(fmt.Sprintf("GET /slow HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", len(long), long))
	_ = c.Conn.(half).CloseWrite()
	close(release)
	if _, _, body := c.answer("GET"); body != "GET /slow "+long {
		t.Errorf("%d bytes", len(body))
	}
	c.ends()
}

// A client that is gone altogether leaves nothing behind.
func TestHalfClosedAndGone(t *testing.T) {
	release := make(chan struct{})
	s, addr := startServer(t, 1, slowly(release))
	open := openDescriptors()
	for range 20 {
		c := dial(t, addr)
		c.send(request("GET", "/slow"))
		_ = c.Close()
	}
	close(release)
	eventually(t, "all connections are counted out", func() bool { return s.Connections() == 0 })
	eventually(t, "all descriptors are back", func() bool { return openDescriptors() <= open })
}

func TestHalfClosedTLS(t *testing.T) {
	release := make(chan struct{})
	s, addr, config := startTLSServer(t, 1, slowly(release))
	c := dialTLS(t, addr, config)
	c.send(request("GET", "/slow"))
	if err := c.Conn.(half).CloseWrite(); err != nil { // close_notify
		t.Fatal(err)
	}
	close(release)
	if _, _, body := c.answer("GET"); body != "GET /slow " {
		t.Errorf("got %q", body)
	}
	if _, err := io.ReadAll(c.r); err != nil {
		t.Error(err)
	}
	_ = c.Close()
	eventually(t, "it is counted out", func() bool { return s.Connections() == 0 })
}
