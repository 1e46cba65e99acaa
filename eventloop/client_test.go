package eventloop

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"reverbd/protocol/ws"
)

// client is a client that can send any bytes.
type client struct {
	net.Conn
	t *testing.T
	r *bufio.Reader
}

func dial(t *testing.T, addr string) *client {
	t.Helper()
	return newClient(t, dialTCP(t, addr))
}

func newClient(t *testing.T, c net.Conn) *client { return &client{c, t, bufio.NewReader(c)} }

func (c *client) send(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Fatal("sending:", err)
	}
}

// answer reads one HTTP response to a request of the method.
func (c *client) answer(method string) (status int, header http.Header, body string) {
	c.t.Helper()
	res, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		c.t.Fatal("reading a response:", err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal("reading a response's body:", err)
	}
	if res.Close {
		res.Header.Set("Connection", "close") // which ReadResponse has removed
	}
	return res.StatusCode, res.Header, string(b)
}

// ends expects the end of the stream, and nothing before it.
func (c *client) ends() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.r); err != nil || len(rest) > 0 {
		c.t.Fatalf("got %q and %v, want the end of the stream", rest, err)
	}
}

// gone expects the end of the connection, a reset or the end of the stream, after any bytes.
func (c *client) gone() {
	c.t.Helper()
	_, err := io.Copy(io.Discard, c.r)
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		c.t.Fatal("the connection is still open")
	}
}

const upgradeRequest = "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"

// dialWS is dial with a WebSocket handshake.
func dialWS(t *testing.T, addr string) *client {
	t.Helper()
	c := dial(t, addr)
	c.send(upgradeRequest)
	c.upgraded()
	return c
}

func (c *client) upgraded() {
	c.t.Helper()
	if status, header, _ := c.answer("GET"); status != 101 || header.Get("Sec-Websocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		c.t.Fatal("handshake:", status, header)
	}
}

// frame is a masked final frame.
func frame(op ws.OpCode, payload string) string {
	b := []byte{0x80 | byte(op)}
	switch n := len(payload); {
	case n <= 125:
		b = append(b, 0x80|byte(n))
	case n <= 0xffff:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	key := [4]byte{1, 2, 3, 4}
	b = append(b, key[:]...)
	for i := range len(payload) {
		b = append(b, payload[i]^key[i%4])
	}
	return string(b)
}

func textFrame(s string) string { return frame(ws.OpText, s) }

func closeFrame(code ws.StatusCode, reason string) string {
	return frame(ws.OpClose, string(binary.BigEndian.AppendUint16(nil, uint16(code)))+reason)
}

// next reads one frame.
func (c *client) next() (op ws.OpCode, payload string, err error) {
	var h [2]byte
	if _, err := io.ReadFull(c.r, h[:]); err != nil {
		return 0, "", err
	}
	if h[0]&0xf0 != 0x80 || h[1]&0x80 != 0 {
		return 0, "", fmt.Errorf("not a final unmasked frame: %x", h)
	}
	n := uint64(h[1])
	var long [8]byte
	switch n {
	case 126:
		if _, err := io.ReadFull(c.r, long[6:]); err != nil {
			return 0, "", err
		}
		n = binary.BigEndian.Uint64(long[:])
	case 127:
		if _, err := io.ReadFull(c.r, long[:]); err != nil {
			return 0, "", err
		}
		n = binary.BigEndian.Uint64(long[:])
	}
	p := make([]byte, n)
	_, err = io.ReadFull(c.r, p)
	return ws.OpCode(h[0] & 0x0f), string(p), err
}

// gets expects one frame.
func (c *client) gets(op ws.OpCode, payload string) {
	c.t.Helper()
	switch gotOp, got, err := c.next(); {
	case err != nil:
		c.t.Fatalf("want %x %.60q, got %v", byte(op), payload, err)
	case gotOp != op || got != payload:
		c.t.Fatalf("want %x %.60q, got %x %.60q", byte(op), payload, byte(gotOp), got)
	}
}

// closed expects a close frame and then the end of the stream. A pusher:error event precedes a code of the Pusher protocol.
func (c *client) closed(code ws.StatusCode) {
	c.t.Helper()
	op, p, err := c.next()
	if code >= 4000 {
		if want := fmt.Sprintf(`{"event":"pusher:error","data":{"code":%d,`, code); err != nil || op != ws.OpText || !strings.HasPrefix(p, want) {
			c.t.Fatalf("want an error of %d, got %x %.60q, %v", code, byte(op), p, err)
		}
		op, p, err = c.next()
	}
	if err != nil || op != ws.OpClose || len(p) < 2 {
		c.t.Fatalf("want a close frame, got %x %.60q, %v", byte(op), p, err)
	}
	if got := binary.BigEndian.Uint16([]byte(p)); got != uint16(code) {
		c.t.Fatalf("closed with %d %s, want %d", got, p[2:], code)
	}
	c.ends()
}

// eventually waits until ok returns true.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("did not happen: " + what)
		}
	}
}

func request(method, path string, headers ...string) string {
	return method + " " + path + " HTTP/1.1\r\nHost: h\r\n" + strings.Join(append(headers, "", ""), "\r\n")
}
