package eventloop

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"

	"github.com/panjf2000/gnet/v2"
)

// tlsConn is a TLS connection. It replaces the gnet.Conn of a conn, which works as without TLS otherwise. After the handshake crypto/tls
// works on memory: the loop gives it what has arrived, and sends the ciphertext that it makes from a buffer of the loop. It is
// loop-owned from then on.
type tlsConn struct {
	gnet.Conn       // set when the connection has come to its loop
	conn            *conn
	tls             *tls.Conn
	transport       tlsTransport
	closeNotifySent bool // close_notify has been sent
}

// tlsTransport is the net.Conn under crypto/tls: the socket during the handshake, and memory after it.
type tlsTransport struct {
	socket   net.Conn      // nil after the handshake
	slots    chan struct{} // of handshakeStage; released while the handshake waits for the client
	received bool          // the client has sent something
	in       []byte        // has arrived and not been read
	loop     *loop         // nil during the handshake
}

// errWouldBlock tells crypto/tls that nothing more has arrived. Since it is temporary, crypto/tls does not end the connection, and keeps
// the part of a record that it has read.
type errWouldBlock struct{}

func (errWouldBlock) Error() string   { return "eventloop: nothing more has arrived" }
func (errWouldBlock) Timeout() bool   { return true }
func (errWouldBlock) Temporary() bool { return true }

// Read implements net.Conn.
func (w *tlsTransport) Read(p []byte) (int, error) {
	if len(w.in) > 0 {
		n := copy(p, w.in)
		w.in, w.received = w.in[n:], true
		return n, nil
	}
	if w.socket == nil {
		return 0, errWouldBlock{}
	}
	<-w.slots
	n, err := w.socket.Read(p)
	w.slots <- struct{}{}
	w.received = w.received || n > 0
	return n, err
}

// Write implements net.Conn. After the handshake it only collects: see tlsConn.flush.
func (w *tlsTransport) Write(p []byte) (int, error) {
	if w.socket != nil {
		return w.socket.Write(p)
	}
	w.loop.cipher = append(w.loop.cipher, p...)
	return len(p), nil
}

// The other methods of net.Conn, which crypto/tls does not need.

func (*tlsTransport) Close() error                     { return nil }
func (*tlsTransport) LocalAddr() net.Addr              { return nil }
func (*tlsTransport) RemoteAddr() net.Addr             { return nil }
func (*tlsTransport) SetDeadline(time.Time) error      { return nil }
func (*tlsTransport) SetReadDeadline(time.Time) error  { return nil }
func (*tlsTransport) SetWriteDeadline(time.Time) error { return nil }

// opened is called when the connection has come to its loop.
func (t *tlsConn) opened(g gnet.Conn, c *conn) {
	t.Conn, t.conn, t.transport.loop = g, c, c.loop
	c.gnet = t
}

// recordSize is the largest plaintext of one record, in bytes (RFC 8446 section 5.1).
const recordSize = 16 << 10

// receive decrypts everything that has arrived, in the read buffer of the loop.
func (t *tlsConn) receive(p []byte) {
	c, l := t.conn, t.conn.loop
	if l.plain == nil {
		l.plain = make([]byte, recordSize)
	}
	if t.transport.in = p; len(p) == 0 {
		t.transport.in = nil
	}
	for c.state != stateClosed {
		n, err := t.tls.Read(l.plain)
		t.flush() // an alert, or the response to a KeyUpdate
		if n > 0 && c.state != stateClosed {
			c.receive(l.plain[:n])
		}
		if err == nil {
			continue
		}
		if _, again := errors.AsType[errWouldBlock](err); !again {
			t.ended(err)
		}
		return
	}
}

// ended closes the connection when nothing more can arrive: after close_notify of the client, or an error.
func (t *tlsConn) ended(err error) {
	c := t.conn
	if errors.Is(err, io.EOF) && c.state == stateClosing {
		return // as when a client without TLS shuts down writing: the end of the TCP connection follows
	}
	if errors.Is(err, io.EOF) && c.state == stateHTTP && c.http.pending {
		c.http.ended = true // see halfClosedConn
		return
	}
	t.conn.drop()
}

// write encrypts p and sends it.
func (t *tlsConn) write(p []byte) {
	_, err := t.tls.Write(p)
	t.flush()
	if err != nil {
		t.conn.drop()
	}
}

// sendCloseNotify sends close_notify once, by which the client knows the end of the stream from a forged one.
func (t *tlsConn) sendCloseNotify() {
	if !t.closeNotifySent {
		t.closeNotifySent = true
		_ = t.tls.CloseWrite() // fails if an alert has been sent
		t.flush()
	}
}

// maxCipherKept is the largest buffer for ciphertext that a loop keeps between writes, in bytes.
const maxCipherKept = 256 << 10

// flush sends the ciphertext that has been collected, with one write.
func (t *tlsConn) flush() {
	l := t.transport.loop
	out := l.cipher
	if len(out) == 0 {
		return
	}
	l.cipher = nil // sending may close the connection, and that may write to other connections
	if t.conn.state != stateClosed {
		send(t.Conn, out)
	}
	if cap(out) <= maxCipherKept {
		l.cipher = out[:0]
	}
}
