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

	"reverbd/broadcast/limitlog"
	"reverbd/eventloop/proxy"
)

// handshakeTimeout is for the header of the PROXY protocol and the TLS handshake together.
const handshakeTimeout = 10 * time.Second

// lastHandshakes is how long the connections that are in the stage have when the server stops accepting: they were accepted, and in a
// restart no client may be refused.
const lastHandshakes = time.Second

// handshakeStage is for what a connection sends before it comes to its loop: the header of the PROXY protocol, and the TLS handshake.
// Each connection has a goroutine there, which ends with the stage.
type handshakeStage struct {
	server  *Server
	slots   chan struct{} // a handshake needs one while it computes: hundreds at once must not starve the loops of CPU
	running sync.WaitGroup

	mu      sync.Mutex
	active  map[net.Conn]struct{}
	stopped bool
}

// handshaken is a connection that has passed the handshake stage.
type handshaken struct {
	conn     *conn
	client   netip.AddrPort // from the PROXY protocol; not valid if there is no header or it does not name the client
	buffered []byte         // what has been read and not been handled
	tls      *tlsConn       // nil without TLS
}

// opened is called when the connection has come to its loop. It does not handle what has been read.
func (a *handshaken) opened(s *Server, g gnet.Conn) {
	a.conn.opened(s, g)
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

// needed reports what of the stage c needs; without either it may come to its loop at once.
func (g *handshakeStage) needed(c net.Conn) (header, handshake bool) {
	_, tcp := c.(*net.TCPConn)
	o := &g.server.options
	return tcp && o.ProxyProtocol && o.TrustedProxies.Peer(c.RemoteAddr()), tcp && o.TLS != nil
}

// start runs the stage for c on a goroutine, and then calls enroll.
func (g *handshakeStage) start(c net.Conn, cn *conn, header, handshake bool, enroll func(net.Conn, *handshaken)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopped {
		_ = c.Close()
		g.server.countOut(cn)
		return
	}
	// Before stop can set one that has passed: a later deadline would make a drain wait for this client.
	_ = c.SetDeadline(time.Now().Add(g.server.handshakeTimeout))
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

// stop waits until the connections that are still in the stage have been enrolled, or ends them when their time is over.
func (g *handshakeStage) stop() {
	g.mu.Lock()
	g.stopped = true
	for c := range g.active {
		_ = c.SetDeadline(time.Now().Add(min(lastHandshakes, g.server.handshakeTimeout)))
	}
	g.mu.Unlock()
	g.running.Wait()
}

func (g *handshakeStage) run(c net.Conn, a *handshaken, header, handshake bool) error {
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

// readProxyHeader reads a header of the PROXY protocol. rest is what was read after it.
func readProxyHeader(c net.Conn) (client netip.AddrPort, rest []byte, err error) {
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

// errNothingSent is for a peer that connects and disconnects, as the checks of load balancers do. It is not logged.
var errNothingSent = errors.New("eventloop: disconnected without sending anything")

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
	g.server.stats.handshakes.Add(1)
	s.transport.socket, s.transport.slots = nil, nil
	a.tls, a.buffered = s, nil
	return nil
}

var errPlainHTTP = errors.New("TLS: a plain HTTP request was sent to an HTTPS port")

// isHTTP reports whether p, which is not a TLS record, begins an HTTP request.
func isHTTP(p [5]byte) bool {
	word, _, _ := strings.Cut(string(p[:]), " ")
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"} {
		if word == method || len(word) == len(p) && strings.HasPrefix(method, word) {
			return true
		}
	}
	return false
}

// answerPlainHTTP answers a plain HTTP request on a TLS port, with the words of Nginx.
func answerPlainHTTP(c net.Conn) {
	const text = "The plain HTTP request was sent to HTTPS port\n"
	_, _ = fmt.Fprintf(c, "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n"+
		"Connection: close\r\n\r\n%s", len(text), text)
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.CloseWrite()
	}
	_ = c.SetReadDeadline(time.Now().Add(time.Second))
	_, _ = io.CopyN(io.Discard, c, 64<<10) // closing a socket with unread bytes would make the kernel discard the response
}

// logHandshakeFailure logs why a client was refused in the handshake stage.
func (s *Server) logHandshakeFailure(peer net.Addr, client netip.AddrPort, err error) {
	if errors.Is(err, errNothingSent) || s.stopping.Load() {
		return
	}
	if s.refusals.Count(limitlog.Handshake) {
		from := peer.String()
		if client.IsValid() {
			from = client.String()
		}
		s.refusals.Write(limitlog.Handshake, zap.String("client", from), zap.Error(err))
	}
}
