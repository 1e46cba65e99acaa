package eventloop

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"

	"github.com/panjf2000/gnet/v2"
)

// secure is a TLS connection. It takes the place of gnet's in a conn, which otherwise is as without TLS. When the handshake is done
// crypto/tls works on memory: the loop feeds it with what has arrived, and what it makes of what is written is sent from a buffer
// of the loop's. Loop-owned from then on.
type secure struct {
	gnet.Conn // set when the connection has come to its loop
	conn      *conn
	tls       *tls.Conn
	wire      wire
	notified  bool // close_notify has been sent
}

// wire is what crypto/tls takes for its connection: the socket during the handshake, and memory behind it.
type wire struct {
	socket net.Conn      // during the handshake
	turns  chan struct{} // given back while the client is waited for
	heard  bool          // it has said something
	in     []byte        // has arrived and not been taken
	loop   *loop         // behind the handshake
}

// errAgain tells crypto/tls that there is nothing more yet. As a temporary error it does not end the connection, and the part of a
// record that has been read is kept.
type errAgain struct{}

func (errAgain) Error() string   { return "eventloop: nothing more has arrived" }
func (errAgain) Timeout() bool   { return true }
func (errAgain) Temporary() bool { return true }

// Read implements net.Conn.
func (w *wire) Read(p []byte) (int, error) {
	if len(w.in) > 0 {
		n := copy(p, w.in)
		w.in, w.heard = w.in[n:], true
		return n, nil
	}
	if w.socket == nil {
		return 0, errAgain{}
	}
	<-w.turns
	n, err := w.socket.Read(p)
	w.turns <- struct{}{}
	w.heard = w.heard || n > 0
	return n, err
}

// Write implements net.Conn. Behind the handshake it only collects: see secure.flush.
func (w *wire) Write(p []byte) (int, error) {
	if w.socket != nil {
		return w.socket.Write(p)
	}
	w.loop.cipher = append(w.loop.cipher, p...)
	return len(p), nil
}

// The rest of net.Conn, of which crypto/tls needs nothing.

func (*wire) Close() error                     { return nil }
func (*wire) LocalAddr() net.Addr              { return nil }
func (*wire) RemoteAddr() net.Addr             { return nil }
func (*wire) SetDeadline(time.Time) error      { return nil }
func (*wire) SetReadDeadline(time.Time) error  { return nil }
func (*wire) SetWriteDeadline(time.Time) error { return nil }

// opened is called on the loop, with gnet's connection.
func (t *secure) opened(g gnet.Conn, c *conn) {
	t.Conn, t.conn, t.wire.loop = g, c, c.loop
	c.gnet = t
}

// recordSize is the most that one record carries, in bytes.
const recordSize = 16 << 10

// receive takes everything that has arrived, in the loop's buffer.
func (t *secure) receive(p []byte) {
	c, l := t.conn, t.conn.loop
	if l.plain == nil {
		l.plain = make([]byte, recordSize)
	}
	if t.wire.in = p; len(p) == 0 {
		t.wire.in = nil
	}
	for c.state != dead {
		n, err := t.tls.Read(l.plain)
		t.flush() // an alert, or the answer to a KeyUpdate
		if n > 0 && c.state != dead {
			c.receive(l.plain[:n])
		}
		if err == nil {
			continue
		}
		if _, again := errors.AsType[errAgain](err); !again {
			t.end(err)
		}
		return
	}
}

// end closes the connection when nothing more can come, by the client's close_notify or by an error.
func (t *secure) end(err error) {
	if errors.Is(err, io.EOF) && t.conn.state == closing {
		return // as when a client without TLS ends its half: the socket's end follows
	}
	t.conn.drop()
}

// write encrypts p and sends it.
func (t *secure) write(p []byte) {
	_, err := t.tls.Write(p)
	t.flush()
	if err != nil {
		t.conn.drop()
	}
}

// notify tells the client that nothing more will come, so that it can tell our end from one that was forged.
func (t *secure) notify() {
	if !t.notified {
		t.notified = true
		_ = t.tls.CloseWrite() // fails when an alert has said so already
		t.flush()
	}
}

// maxCipher is how much of the loop's buffer for ciphertext is kept between writes, in bytes.
const maxCipher = 256 << 10

// flush sends what crypto/tls has written, in one piece.
func (t *secure) flush() {
	l := t.wire.loop
	out := l.cipher
	if len(out) == 0 {
		return
	}
	l.cipher = nil // sending may close the connection, and whatever that brings about may write to others
	if t.conn.state != dead {
		send(t.Conn, out)
	}
	if cap(out) <= maxCipher {
		l.cipher = out[:0]
	}
}
