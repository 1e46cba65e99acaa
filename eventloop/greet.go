package eventloop

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/panjf2000/gnet/v2"
	"go.uber.org/zap"

	"reverbd/eventloop/proxy"
)

// handshakeTime is what a client may take for the header of the PROXY protocol and the TLS handshake together.
const handshakeTime = 10 * time.Second

// greeting is what happens to a connection before it comes to its loop: the header of the PROXY protocol is read, and the TLS
// handshake done, on a goroutine of its own that ends with it.
type greeting struct {
	server *Server
	turns  chan struct{} // a handshake computes while it has one: hundreds at once must not hold up the loops
	done   sync.WaitGroup

	mu      sync.Mutex
	greeted map[net.Conn]struct{}
	ended   bool
}

// arrival is a connection with what was found out before it came to its loop.
type arrival struct {
	conn   *conn
	client netip.AddrPort // by the PROXY protocol; not valid if that is not spoken or does not tell
	early  []byte         // has been read already
	secure *secure        // nil without TLS
}

// opened is called when the connection has come to its loop. What was read of it is not looked at yet.
func (a *arrival) opened(g gnet.Conn) {
	a.conn.opened(g)
	if a.secure != nil {
		a.secure.opened(g, a.conn)
		a.early = a.secure.wire.in
	}
	if a.client.IsValid() {
		a.conn.comesFrom(a.client.Addr(), a.client.Port())
	}
}

func newGreeting(s *Server, turns int) *greeting {
	return &greeting{server: s, turns: make(chan struct{}, turns), greeted: make(map[net.Conn]struct{})}
}

// awaits reports whether c has something to say before it may come to its loop.
func (g *greeting) awaits(c net.Conn) (header, handshake bool) {
	_, tcp := c.(*net.TCPConn)
	o := &g.server.options
	return tcp && o.ProxyProtocol && o.TrustedProxies.Peer(c.RemoteAddr()), tcp && o.TLS != nil
}

// begin greets c, and then has it enrolled.
func (g *greeting) begin(c net.Conn, cn *conn, header, handshake bool, enroll func(net.Conn, *arrival)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended {
		_ = c.Close()
		g.server.leave(cn)
		return
	}
	g.greeted[c] = struct{}{}
	g.done.Go(func() {
		a := &arrival{conn: cn}
		err := g.greet(c, a, header, handshake)
		g.mu.Lock()
		delete(g.greeted, c)
		g.mu.Unlock()
		if err != nil {
			_ = c.Close()
			g.server.leave(cn)
			g.server.notGreeted(c.RemoteAddr(), a.client, err)
			return
		}
		enroll(c, a)
	})
}

// end gives up on whoever is not ready, and waits until the others have been enrolled.
func (g *greeting) end() {
	g.mu.Lock()
	g.ended = true
	for c := range g.greeted {
		_ = c.SetDeadline(time.Unix(1, 0))
	}
	g.mu.Unlock()
	g.done.Wait()
}

func (g *greeting) greet(c net.Conn, a *arrival, header, handshake bool) error {
	_ = c.SetDeadline(time.Now().Add(g.server.handshakeTime))
	var err error
	if header {
		if a.client, a.early, err = readHeader(c); err != nil {
			return err
		}
	}
	if handshake {
		if err := g.shakeHands(c, a); err != nil {
			return err
		}
	}
	return c.SetDeadline(time.Time{})
}

// readHeader reads a header of the PROXY protocol; what was read behind it is returned.
func readHeader(c net.Conn) (client netip.AddrPort, behind []byte, err error) {
	buf := make([]byte, 0, 256)
	for {
		buf = slices.Grow(buf, 1)
		n, err := c.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		client, used, headerErr := proxy.Header(buf)
		switch {
		case headerErr != nil:
			return client, nil, headerErr
		case used > 0:
			return client, buf[used:], nil
		case errors.Is(err, io.EOF):
			return client, nil, errSilent
		case err != nil:
			return client, nil, err
		}
	}
}

// errSilent is a peer that connects and leaves: the check of a load balancer, which is nothing to tell anybody.
var errSilent = errors.New("eventloop: left without a word")

// shakeHands does the TLS handshake.
func (g *greeting) shakeHands(c net.Conn, a *arrival) error {
	s := &secure{wire: wire{socket: c, turns: g.turns, in: a.early}}
	s.tls = tls.Server(&s.wire, g.server.options.TLS)
	g.turns <- struct{}{}
	err := s.tls.HandshakeContext(context.Background())
	<-g.turns
	if err != nil {
		if header, ok := errors.AsType[tls.RecordHeaderError](err); ok && isHTTP(header.RecordHeader) {
			explain(c)
			return errPlain
		}
		if errors.Is(err, io.EOF) && !s.wire.heard {
			return errSilent
		}
		return fmt.Errorf("TLS: %w", err)
	}
	s.wire.socket, s.wire.turns = nil, nil
	a.secure, a.early = s, nil
	return nil
}

var errPlain = errors.New("TLS: a plain HTTP request was sent to an HTTPS port")

// isHTTP reports whether bytes that are no TLS record begin a request.
func isHTTP(p [5]byte) bool {
	word, _, _ := strings.Cut(string(p[:]), " ")
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"} {
		if word == method || len(word) == len(p) && strings.HasPrefix(method, word) {
			return true
		}
	}
	return false
}

// explain answers a plain request on a TLS port, in nginx's words.
func explain(c net.Conn) {
	const text = "The plain HTTP request was sent to HTTPS port\n"
	_, _ = fmt.Fprintf(c, "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n"+
		"Connection: close\r\n\r\n%s", len(text), text)
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.CloseWrite()
	}
	_ = c.SetReadDeadline(time.Now().Add(time.Second))
	_, _ = io.CopyN(io.Discard, c, 64<<10) // closing with unread bytes would make the kernel throw the answer away
}

// notGreeted tells of a client that did not get as far as its loop.
func (s *Server) notGreeted(peer net.Addr, client netip.AddrPort, err error) {
	if errors.Is(err, errSilent) || s.stopping.Load() {
		return
	}
	if s.greetings.ready() {
		from := peer.String()
		if client.IsValid() {
			from = client.String()
		}
		s.log.Info("connection refused", zap.String("client", from), zap.Error(err))
	}
}
