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

// handshakeTimeout is what a client may take for the header of the PROXY protocol and the TLS handshake together.
const handshakeTimeout = 10 * time.Second

// handshakeStage is what happens to a connection before it comes to its loop: the header of the PROXY protocol is read, and the TLS
// handshake done, on a goroutine of its own that ends with it.
type handshakeStage struct {
	server  *Server
	slots   chan struct{} // a handshake computes while it has one: hundreds at once must not hold up the loops
	running sync.WaitGroup

	mu      sync.Mutex
	active  map[net.Conn]struct{}
	stopped bool
}

// handshaken is a connection with what was found out before it came to its loop.
type handshaken struct {
	conn     *conn
	client   netip.AddrPort // by the PROXY protocol; not valid if that is not spoken or does not tell
	buffered []byte         // has been read already
	tls      *tlsConn       // nil without TLS
}

// opened is called when the connection has come to its loop. What was read of it is not looked at yet.
func (a *handshaken) opened(g gnet.Conn) {
	a.conn.opened(g)
	if a.tls != nil {
		a.tls.opened(g, a.conn)
		a.buffered = a.tls.transport.in
	}
	if a.client.IsValid() {
		a.conn.setClient(a.client.Addr(), a.client.Port())
	}
}

func newHandshakeStage(s *Server, turns int) *handshakeStage {
	return &handshakeStage{server: s, slots: make(chan struct{}, turns), active: make(map[net.Conn]struct{})}
}

// needed reports whether c has something to say before it may come to its loop.
func (g *handshakeStage) needed(c net.Conn) (header, handshake bool) {
	_, tcp := c.(*net.TCPConn)
	o := &g.server.options
	return tcp && o.ProxyProtocol && o.TrustedProxies.Peer(c.RemoteAddr()), tcp && o.TLS != nil
}

// start runs the stage for c, and then has it enrolled.
func (g *handshakeStage) start(c net.Conn, cn *conn, header, handshake bool, enroll func(net.Conn, *handshaken)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopped {
		_ = c.Close()
		g.server.countOut(cn)
		return
	}
	g.active[c] = struct{}{}
	g.running.Go(func() {
		a := &handshaken{conn: cn}
		err := g.run(c, a, header, handshake)
		g.mu.Lock()
		delete(g.active, c)
		g.mu.Unlock()
		if err != nil {
			_ = c.Close()
			g.server.countOut(cn)
			g.server.logHandshakeFailure(c.RemoteAddr(), a.client, err)
			return
		}
		enroll(c, a)
	})
}

// stop gives up on whoever is not ready, and waits until the others have been enrolled.
func (g *handshakeStage) stop() {
	g.mu.Lock()
	g.stopped = true
	for c := range g.active {
		_ = c.SetDeadline(time.Unix(1, 0))
	}
	g.mu.Unlock()
	g.running.Wait()
}

func (g *handshakeStage) run(c net.Conn, a *handshaken, header, handshake bool) error {
	_ = c.SetDeadline(time.Now().Add(g.server.handshakeTimeout))
	var err error
	if header {
		if a.client, a.buffered, err = readProxyHeader(c); err != nil {
			return err
		}
	}
	if handshake {
		if err := g.tlsHandshake(c, a); err != nil {
			return err
		}
	}
	return c.SetDeadline(time.Time{})
}

// readProxyHeader reads a header of the PROXY protocol; what was read behind it is returned.
func readProxyHeader(c net.Conn) (client netip.AddrPort, behind []byte, err error) {
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
			return client, nil, errNothingSent
		case err != nil:
			return client, nil, err
		}
	}
}

// errNothingSent is a peer that connects and leaves: the check of a load balancer, which is nothing to tell anybody.
var errNothingSent = errors.New("eventloop: left without a word")

// tlsHandshake does the TLS handshake.
func (g *handshakeStage) tlsHandshake(c net.Conn, a *handshaken) error {
	s := &tlsConn{transport: tlsTransport{socket: c, slots: g.slots, in: a.buffered}}
	s.tls = tls.Server(&s.transport, g.server.options.TLS)
	g.slots <- struct{}{}
	err := s.tls.HandshakeContext(context.Background())
	<-g.slots
	if err != nil {
		if header, ok := errors.AsType[tls.RecordHeaderError](err); ok && isHTTP(header.RecordHeader) {
			answerPlainHTTP(c)
			return errPlainHTTP
		}
		if errors.Is(err, io.EOF) && !s.transport.received {
			return errNothingSent
		}
		return fmt.Errorf("TLS: %w", err)
	}
	s.transport.socket, s.transport.slots = nil, nil
	a.tls, a.buffered = s, nil
	return nil
}

var errPlainHTTP = errors.New("TLS: a plain HTTP request was sent to an HTTPS port")

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

// answerPlainHTTP answers a plain request on a TLS port, in nginx's words.
func answerPlainHTTP(c net.Conn) {
	const text = "The plain HTTP request was sent to HTTPS port\n"
	_, _ = fmt.Fprintf(c, "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n"+
		"Connection: close\r\n\r\n%s", len(text), text)
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.CloseWrite()
	}
	_ = c.SetReadDeadline(time.Now().Add(time.Second))
	_, _ = io.CopyN(io.Discard, c, 64<<10) // closing with unread bytes would make the kernel throw the answer away
}

// logHandshakeFailure tells of a client that did not get as far as its loop.
func (s *Server) logHandshakeFailure(peer net.Addr, client netip.AddrPort, err error) {
	if errors.Is(err, errNothingSent) || s.stopping.Load() {
		return
	}
	if s.handshakeFailureLog.allow() {
		from := peer.String()
		if client.IsValid() {
			from = client.String()
		}
		s.log.Info("connection refused", zap.String("client", from), zap.Error(err))
	}
}
