package eventloop

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"

	"github.com/panjf2000/gnet/v2"
)

// tlsConn is a TLS connection. It takes the place of gnet's in a conn, which otherwise is as without TLS. When the handshake is done
// crypto/tls works on memory: the loop feeds it with what has arrived, and what it makes of what is written is sent from a buffer
// of the loop's. Loop-owned from then on.
type tlsConn struct {
	gnet.Conn       // set when the connection has come to its loop
	conn            *conn
	tls             *tls.Conn
	transport       tlsTransport
	closeNotifySent bool // close_notify has been sent
}

// tlsTransport is what crypto/tls takes for its connection: the socket during the handshake, and memory behind it.
type tlsTransport struct {
	socket   net.Conn      // during the handshake
	slots    chan struct{} // given back while the client is waited for
	received bool          // it has said something
	in       []byte        // has arrived and not been taken
	loop     *loop         // behind the handshake
}

// errWouldBlock tells crypto/tls that there is nothing more yet. As a temporary error it does not end the connection, and the part of a
// record that has been read is kept.
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

// Write implements net.Conn. Behind the handshake it only collects: see tlsConn.flush.
func (w *tlsTransport) Write(p []byte) (int, error) {
	if w.socket != nil {
		return w.socket.Write(p)
	}
	w.loop.cipher = append(w.loop.cipher, p...)
	return len(p), nil
}

// The rest of net.Conn, of which crypto/tls needs nothing.

func (*tlsTransport) Close() error                     { return nil }
func (*tlsTransport) LocalAddr() net.Addr              { return nil }
func (*tlsTransport) RemoteAddr() net.Addr             { return nil }
func (*tlsTransport) SetDeadline(time.Time) error      { return nil }
func (*tlsTransport) SetReadDeadline(time.Time) error  { return nil }
func (*tlsTransport) SetWriteDeadline(time.Time) error { return nil }

// opened is called on the loop, with gnet's connection.
func (t *tlsConn) opened(g gnet.Conn, c *conn) {
	t.Conn, t.conn, t.transport.loop = g, c, c.loop
	c.gnet = t
}

// recordSize is the most that one record carries, in bytes.
const recordSize = 16 << 10

// receive takes everything that has arrived, in the loop's buffer.
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
		t.flush() // an alert, or the answer to a KeyUpdate
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

// ended closes the connection when nothing more can come, by the client's close_notify or by an error.
func (t *tlsConn) ended(err error) {
	if errors.Is(err, io.EOF) && t.conn.state == stateClosing {
		return // as when a client without TLS ends its half: the socket's end follows
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

// sendCloseNotify tells the client that nothing more will come, so that it can tell our end from one that was forged.
func (t *tlsConn) sendCloseNotify() {
	if !t.closeNotifySent {
		t.closeNotifySent = true
		_ = t.tls.CloseWrite() // fails when an alert has said so already
		t.flush()
	}
}

// maxCipherKept is how much of the loop's buffer for ciphertext is kept between writes, in bytes.
const maxCipherKept = 256 << 10

// flush sends what crypto/tls has written, in one piece.
func (t *tlsConn) flush() {
	l := t.transport.loop
	out := l.cipher
	if len(out) == 0 {
		return
	}
	l.cipher = nil // sending may close the connection, and whatever that brings about may write to others
	if t.conn.state != stateClosed {
		send(t.Conn, out)
	}
	if cap(out) <= maxCipherKept {
		l.cipher = out[:0]
	}
}
