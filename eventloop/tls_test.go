package eventloop

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"reverbd/broadcast"
	"reverbd/broadcast/limitlog"
	"reverbd/protocol/ws"
)

// authority makes a self-signed certificate for 127.0.0.1, and the pool that trusts it.
func authority(t testing.TB) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, pool
}

// startTLSServer is startServer with TLS. It returns the config of its clients.
func startTLSServer(t *testing.T, loops int, how func(*Options, *Server)) (s *Server, addr string, client *tls.Config) {
	t.Helper()
	cert, pool := authority(t)
	s, addr = startServer(t, loops, func(o *Options, s *Server) {
		o.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}}
		if how != nil {
			how(o, s)
		}
	})
	return s, addr, &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"}
}

func dialTLS(t *testing.T, addr string, config *tls.Config) *client {
	t.Helper()
	return newClient(t, tls.Client(dialTCP(t, addr), config))
}

func dialWSS(t *testing.T, addr string, config *tls.Config) *client {
	t.Helper()
	c := dialTLS(t, addr, config)
	c.send(upgradeRequest)
	c.upgraded()
	return c
}

// byteByByte is a connection that sends every byte by itself.
type byteByByte struct{ net.Conn }

func (c byteByByte) Write(p []byte) (int, error) {
	for i := range p {
		if _, err := c.Conn.Write(p[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(p), nil
}

func TestTLS(t *testing.T) {
	_, addr, config := startTLSServer(t, 2, func(o *Options, _ *Server) { o.MaxRequestSize = 2 << 20 })
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			config := config.Clone()
			config.MinVersion, config.MaxVersion = version, version
			large := strings.Repeat("0123456789abcdef", 60_000)
			c := dialWSS(t, addr, config)
			c.echoes("x")
			c.echoes(large)
			c.send(textFrame("one") + textFrame("two") + textFrame(large))
			c.gets(ws.OpText, "one")
			c.gets(ws.OpText, "two")
			c.gets(ws.OpText, large)
			c.send(closeFrame(1000, ""))
			c.closed(1000)

			slow := newClient(t, tls.Client(byteByByte{dialTCP(t, addr)}, config))
			slow.send(upgradeRequest + textFrame("in the packet of the handshake"))
			slow.upgraded()
			slow.gets(ws.OpText, "in the packet of the handshake")
			slow.echoes("byte by byte")

			plain := dialTLS(t, addr, config)
			for range 3 {
				plain.send(request("POST", "/a", "Content-Length: 960000") + large)
				if status, header, body := plain.answer("POST"); status != 200 || body != "POST /a "+large || header.Get("Connection") != "keep-alive" {
					t.Fatal(status, header, len(body))
				}
			}
			plain.send(request("GET", "/a", "Connection: close"))
			plain.answer("GET")
			plain.ends() // with close_notify: crypto/tls would say io.ErrUnexpectedEOF
		})
	}
}

// Many clients of one loop share its buffers.
func TestTLSFanOut(t *testing.T) {
	const clients, events = 50, 40
	text := strings.Repeat("x", 20_000)
	_, addr, config := startTLSServer(t, 2, with(func(s *session) {
		s.open = func(s *session, l *broadcast.Loop, c broadcast.Conn) {
			s.join(l, c)
			s.subscribe("room")
			s.message = func(s *session, p string) {
				for range events {
					_ = s.directory.Publish(s.Loop(), []byte("room"), textOf(p), 0)
				}
			}
		}
	}))
	var all []*client
	for range clients {
		c := dialWSS(t, addr, config)
		if _, _, err := c.next(); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	all[0].send(textFrame(text))
	for _, c := range all {
		for range events {
			c.gets(ws.OpText, text)
		}
	}
}

func TestTLSResumption(t *testing.T) {
	_, addr, config := startTLSServer(t, 1, nil)
	config.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	for i := range 3 {
		c := dialWSS(t, addr, config)
		c.echoes("x")
		if resumed := c.Conn.(*tls.Conn).ConnectionState().DidResume; resumed != (i > 0) {
			t.Errorf("connection %d: resumed %v", i, resumed)
		}
		_ = c.Close()
	}
}

func TestTLSProtocolIsHTTP(t *testing.T) {
	s, addr, config := startTLSServer(t, 1, nil)
	config.NextProtos = []string{"h2", "http/1.1"}
	c := dialWSS(t, addr, config)
	if p := c.Conn.(*tls.Conn).ConnectionState().NegotiatedProtocol; p != "http/1.1" {
		t.Error("speaks", p)
	}
	_ = c.Close()
	config.NextProtos = []string{"h2"}
	if err := tls.Client(dialTCP(t, addr), config).Handshake(); err == nil {
		t.Error("speaks h2")
	}
	eventually(t, "both are counted out", func() bool { return s.Connections() == 0 })
}

func TestPlainRequestOnATLSPort(t *testing.T) {
	s, addr, _ := startTLSServer(t, 1, nil)
	for _, req := range []string{upgradeRequest, request("POST", "/a", "Content-Length: 5") + "hello", request("OPTIONS", "/")} {
		c := dial(t, addr)
		c.send(req)
		if status, _, body := c.answer("GET"); status != http.StatusBadRequest || !strings.Contains(body, "plain HTTP request was sent to HTTPS port") {
			t.Error(status, body)
		}
		c.ends()
		_ = c.Close()
	}
	c := dial(t, addr)
	c.send("SSH-2.0-OpenSSH\r\n")
	c.gone()
	eventually(t, "they are counted out", func() bool { return s.Connections() == 0 })
}

// A client that does not finish the handshake is dropped in time, and no other one waits for it.
func TestTLSHandshakeStalls(t *testing.T) {
	s, addr, config := startTLSServer(t, 1, func(_ *Options, s *Server) { s.handshakeTimeout = 300 * time.Millisecond })
	silent, halfway := dial(t, addr), dial(t, addr)
	halfway.send("\x16\x03\x01\x02\x00\x01")
	dialWSS(t, addr, config).echoes("x")
	silent.gone()
	halfway.gone()
	eventually(t, "they are counted out", func() bool { return s.Connections() == 1 })
}

func TestShutdownDuringHandshakes(t *testing.T) {
	s, addr, _ := startTLSServer(t, 1, nil)
	for range 10 {
		dial(t, addr).send("\x16\x03\x01\x02\x00\x01")
	}
	eventually(t, "all are there", func() bool { return s.Connections() == 10 })
	if err := s.Shutdown(t.Context(), 0, 0); err != nil {
		t.Error(err)
	}
	if n := s.Connections(); n != 0 {
		t.Errorf("%d are left", n)
	}
}

// A client that comes while the stage is stopped does not hold that up for the time of a handshake.
func TestHandshakesEndWhileClientsArrive(t *testing.T) {
	s, _, _ := startTLSServer(t, 1, func(_ *Options, s *Server) { s.handshakeTimeout = time.Hour })
	var stops sync.WaitGroup
	for range 200 {
		stage := newHandshakeStage(s, 1)
		here, there := net.Pipe()
		defer there.Close()
		cn := &conn{loop: s.loops[0]}
		s.limiter.acquire()
		cn.loop.connections.Add(1)
		stage.start(here, cn, false, true, func(net.Conn, *handshaken) { t.Error("a client that says nothing is enrolled") })
		stops.Go(stage.stop)
	}
	stopped := make(chan struct{})
	go func() {
		stops.Wait()
		close(stopped)
	}()
	receiveOne(t, stopped, "all stages have stopped")
	if n := s.Connections(); n != 0 {
		t.Errorf("%d connections are counted", n)
	}
}

// A shutdown over TLS sends close frames and close_notify.
func TestTLSShutdown(t *testing.T) {
	s, addr, config := startTLSServer(t, 2, nil)
	c := dialWSS(t, addr, config)
	idle := dialTLS(t, addr, config)
	idle.send(request("GET", "/"))
	idle.answer("GET")
	stopped := make(chan error, 1)
	go func() { stopped <- s.Shutdown(t.Context(), 0, 0) }()
	c.closed(4200)
	idle.ends()
	_ = c.Close()
	_ = idle.Close()
	if err := receiveOne(t, stopped, "Shutdown returns"); err != nil {
		t.Error(err)
	}
}

// However a TLS client ends, its connection is closed.
func TestTLSAbruptEnds(t *testing.T) {
	s, addr, config := startTLSServer(t, 1, nil)
	for name, end := range map[string]func(c *client, raw *net.TCPConn){
		"close_notify":         func(c *client, _ *net.TCPConn) { _ = c.Close() },
		"half":                 func(c *client, _ *net.TCPConn) { _ = c.Conn.(*tls.Conn).CloseWrite() },
		"without close_notify": func(_ *client, raw *net.TCPConn) { _ = raw.Close() },
		"reset": func(_ *client, raw *net.TCPConn) {
			_ = raw.SetLinger(0)
			_ = raw.Close()
		},
		"not a record": func(_ *client, raw *net.TCPConn) { _, _ = raw.Write([]byte("GET / HTTP/1.1\r\n\r\n")) },
		"forged": func(_ *client, raw *net.TCPConn) {
			_, _ = raw.Write([]byte("\x17\x03\x03\x00\x20" + strings.Repeat("x", 32)))
		},
		"half a record": func(_ *client, raw *net.TCPConn) {
			_, _ = raw.Write([]byte("\x17\x03\x03\x00\x20xx"))
			_ = raw.Close()
		},
	} {
		raw := dialTCP(t, addr)
		c := newClient(t, tls.Client(raw, config))
		c.send(upgradeRequest)
		c.upgraded()
		c.echoes("x")
		end(c, raw)
		eventually(t, name+": it is gone", func() bool { return s.Connections() == 0 })
	}
	dialWSS(t, addr, config).echoes("the server goes on")
}

func TestTLSSlowConsumer(t *testing.T) {
	s, addr, config := startTLSServer(t, 1, func(o *Options, s *Server) { o.SlowConsumerBytes, s.lingeringTimeout = 64<<10, time.Minute })
	c := dialWSS(t, addr, config)
	go func() {
		for range 400 {
			if _, err := io.WriteString(c.Conn, textFrame(strings.Repeat("x", 100_000))); err != nil {
				return
			}
		}
	}()
	eventually(t, "it is cut off", func() bool { return s.refusals.Of(limitlog.SlowConsumer) == 1 })
	for {
		op, _, err := c.next()
		if err != nil {
			t.Fatal("no close frame:", err)
		}
		if op == ws.OpClose {
			break
		}
	}
}

// What crypto/tls has read beyond the handshake is not lost.
func TestTLSDataBehindTheHandshake(t *testing.T) {
	_, addr, config := startTLSServer(t, 1, nil)
	config.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	for range 20 {
		joined := &coalescing{Conn: dialTCP(t, addr)}
		tc := tls.Client(joined, config)
		if err := tc.Handshake(); err != nil {
			t.Fatal(err)
		}
		joined.hold = false // the last flight of the client is sent with the first data
		c := &client{tc, t, bufio.NewReader(tc)}
		c.send(upgradeRequest + textFrame("x"))
		c.upgraded()
		c.gets(ws.OpText, "x")
		_ = c.Close()
	}
}

// coalescing keeps the second flight of a handshake, and sends it in one packet with what follows.
type coalescing struct {
	net.Conn
	writes int
	hold   bool
	held   []byte
}

func (j *coalescing) Write(p []byte) (int, error) {
	if j.writes++; j.writes == 1 {
		return j.Conn.Write(p)
	}
	if j.writes == 2 {
		j.hold = true
	}
	j.held = append(j.held, p...)
	if j.hold {
		return len(p), nil
	}
	_, err := j.Conn.Write(j.held)
	j.held = nil
	return len(p), err
}

func TestErrWouldBlockIsTemporary(t *testing.T) {
	var err net.Error
	if !errors.As(error(errWouldBlock{}), &err) || !err.Timeout() {
		t.Error("crypto/tls would end the connection")
	}
}
