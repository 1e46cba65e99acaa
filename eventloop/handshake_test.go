package eventloop

import (
	"crypto/tls"
	"net"
	"path/filepath"
	"testing"
	"time"

	"reverbd/broadcast"
	"reverbd/eventloop/proxy"
	"reverbd/protocol/ws"
)

// reportClient has sessions send the address of their client.
func reportClient(t *testing.T, header bool, trusted ...string) func(*Options, *Server) {
	t.Helper()
	proxies, err := proxy.Parse(trusted...)
	if err != nil {
		t.Fatal(err)
	}
	return func(o *Options, s *Server) {
		with(func(s *session) {
			s.open = func(s *session, l *broadcast.Loop, c broadcast.Conn) {
				s.join(l, c)
				s.Send(textOf(c.(*conn).Client()))
			}
		})(o, s)
		o.TrustedProxies, o.ProxyProtocol = proxies, header
		s.handshakeTimeout = 500 * time.Millisecond
	}
}

// upgradesFrom upgrades the connection, with more bytes before the request and more headers in it, and expects the address of the
// client, by default that of c.
func (c *client) upgradesFrom(before, header, want string) {
	c.t.Helper()
	c.send(before + upgradeRequest[:len(upgradeRequest)-2] + header + "\r\n" + textFrame("first"))
	c.upgraded()
	if want == "" {
		want = c.LocalAddr().String()
	}
	c.gets(ws.OpText, want)
	c.gets(ws.OpText, "first")
}

const proxyV1, clientV1 = "PROXY TCP4 203.0.113.1 10.0.0.1 4711 8080\r\n", "203.0.113.1:4711"

func TestProxyProtocol(t *testing.T) {
	_, addr := startServer(t, 2, reportClient(t, true, "127.0.0.1"))
	v2 := "\r\n\r\n\x00\r\nQUIT\n"
	for header, want := range map[string]string{
		proxyV1:             clientV1,
		"PROXY UNKNOWN\r\n": "",
		v2 + "\x21\x11\x00\x0c\xcb\x00\x71\x01\x0a\x00\x00\x01\x12\x67\x1f\x90": clientV1,
		v2 + "\x20\x00\x00\x00": "",
	} {
		dial(t, addr).upgradesFrom(header, "", want)
		c := newClient(t, byteByByte{dialTCP(t, addr)})
		c.upgradesFrom(header, "", want)
	}
	// A chain: the client that the PROXY protocol names is believed if it is a trusted proxy, too.
	dial(t, addr).upgradesFrom("PROXY TCP4 127.0.0.1 10.0.0.1 4711 8080\r\n", "X-Forwarded-For: 203.0.113.9\r\n", "203.0.113.9")
	dial(t, addr).upgradesFrom(proxyV1, "X-Forwarded-For: 203.0.113.9\r\n", clientV1)
}

// A trusted proxy must send the header, and in time. From any other peer it is a malformed request.
func TestProxyProtocolRefuses(t *testing.T) {
	s, addr := startServer(t, 1, reportClient(t, true, "127.0.0.1"))
	for _, say := range []string{upgradeRequest, "PROXY nonsense\r\n" + upgradeRequest, "PROXY TCP4 203", "", "\x16\x03\x01"} {
		c := dial(t, addr)
		c.send(say)
		c.gone()
	}
	eventually(t, "they are counted out", func() bool { return s.Connections() == 0 })

	_, open := startServer(t, 1, reportClient(t, true, "192.0.2.1"))
	dial(t, open).upgradesFrom("", "X-Forwarded-For: 203.0.113.9\r\n", "")
	c := dial(t, open)
	c.send(proxyV1 + upgradeRequest)
	if status, _, _ := c.answer("GET"); status != 400 {
		t.Error(status)
	}
}

func TestForwardedFor(t *testing.T) {
	_, addr := startServer(t, 1, reportClient(t, false, "127.0.0.0/8"))
	dial(t, addr).upgradesFrom("", "X-Forwarded-For: 1.1.1.1, 203.0.113.1\r\nX-Forwarded-For: 127.0.0.2\r\n", "203.0.113.1")
	dial(t, addr).upgradesFrom("", "", "")
	// A client may send the other header through a proxy that passes on what it does not know.
	const both = "Forwarded: for=\"[2001:db8::1]:4711\"\r\nX-Forwarded-For: 203.0.113.1\r\n"
	dial(t, addr).upgradesFrom("", both, "203.0.113.1")
	_, asked := startServer(t, 1, func(o *Options, s *Server) {
		reportClient(t, false, "127.0.0.0/8")(o, s)
		o.ClientIPHeader = "Forwarded"
	})
	dial(t, asked).upgradesFrom("", both, "2001:db8::1")
	dial(t, asked).upgradesFrom("", "X-Forwarded-For: 203.0.113.1\r\n", "")
	_, nobody := startServer(t, 1, reportClient(t, false))
	dial(t, nobody).upgradesFrom("", "X-Forwarded-For: 203.0.113.1\r\n", "")
}

func TestForwardedForOverAUnixSocket(t *testing.T) {
	for trusted, want := range map[string]string{"unix": "203.0.113.1", "127.0.0.1": "a unix socket"} {
		path := filepath.Join(t.TempDir(), "s")
		u, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		startServer(t, 1, func(o *Options, s *Server) {
			reportClient(t, true, trusted)(o, s)
			o.Listeners = append(o.Listeners, u)
		})
		dialUnix(t, path).upgradesFrom("", "X-Forwarded-For: 203.0.113.1\r\n", want)
	}
}

func TestProxyProtocolBeforeTLS(t *testing.T) {
	_, addr, config := startTLSServer(t, 1, reportClient(t, true, "127.0.0.1"))
	for range 5 {
		c := newClient(t, tls.Client(&prefixed{dialTCP(t, addr), proxyV1}, config))
		c.upgradesFrom("", "", clientV1)
	}
}

// prefixed sends prefix in one packet with what is written first.
type prefixed struct {
	net.Conn
	prefix string
}

func (p *prefixed) Write(b []byte) (int, error) {
	_, err := p.Conn.Write(append([]byte(p.prefix), b...))
	p.prefix = ""
	return len(b), err
}
