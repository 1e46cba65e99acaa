package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// clientTimeout bounds every wait of a client.
const clientTimeout = 10 * time.Second

// client is a WebSocket client that shows a test exactly what the server sends. It answers only ping frames by itself.
type client struct {
	t        *testing.T
	conn     net.Conn
	in       io.Reader // the connection, after the bytes that came with the handshake
	socketID string    // set by connect
}

// message is an event on the wire. Data is a JSON string; in client events it is any JSON value.
type message struct {
	Event   string          `json:"event"`
	Data    json.RawMessage `json:"data"`
	Channel string          `json:"channel"`
	UserID  json.RawMessage `json:"user_id"`
}

// text returns Data, which must be a JSON string.
func (m message) text(t *testing.T) string {
	t.Helper()
	var s string
	if err := json.Unmarshal(m.Data, &s); err != nil {
		t.Fatalf("data of %s is not a JSON string: %s", m.Event, m.Data)
	}
	return s
}

// dial opens a WebSocket on the path, such as /app/app-key. The connection is closed when the test ends.
func dial(t *testing.T, s *server, path string) *client {
	t.Helper()
	return dialBy(t, ws.Dialer{}, "ws://"+s.addr()+path)
}

// dialBy is dial with a dialer that has a certificate authority or an address of its own.
func dialBy(t *testing.T, dialer ws.Dialer, url string) *client {
	t.Helper()
	c, err := open(t.Context(), dialer, url)
	if err != nil {
		t.Fatalf("dialing %s: %v", url, err)
	}
	t.Cleanup(func() { _ = c.conn.Close() })
	c.t = t
	return c
}

// open is dialBy without a test: of the client's methods only read may be used. The caller closes the connection.
func open(ctx context.Context, dialer ws.Dialer, url string) (*client, error) {
	ctx, cancel := context.WithTimeout(ctx, clientTimeout)
	defer cancel()
	conn, early, _, err := dialer.Dial(ctx, url)
	if err != nil {
		return nil, err
	}
	c := &client{conn: conn, in: conn}
	if early != nil {
		c.in = io.MultiReader(io.LimitReader(early, int64(early.Buffered())), conn)
	}
	return c, nil
}

// connect dials the application of --dev and reads connection_established.
func connect(t *testing.T, s *server) *client {
	t.Helper()
	c := dial(t, s, s.prefix+"/app/"+appKey)
	established := c.nextEvent("pusher:connection_established")
	var data struct {
		SocketID string `json:"socket_id"`
	}
	if err := json.Unmarshal([]byte(established.text(t)), &data); err != nil || data.SocketID == "" {
		t.Fatalf("connection_established without a socket_id: %s", established.Data)
	}
	c.socketID = data.SocketID
	return c
}

// send sends one text message.
func (c *client) send(text string) {
	c.t.Helper()
	if err := wsutil.WriteClientText(c.conn, []byte(text)); err != nil {
		c.t.Fatalf("sending %s: %v", text, err)
	}
}

// subscribe subscribes with an auth object {"auth":...,"channel_data":...} as server libraries make it, or with nil, and returns the
// subscription_succeeded.
func (c *client) subscribe(channel string, auth []byte) message {
	c.t.Helper()
	data := map[string]string{}
	if auth != nil {
		if err := json.Unmarshal(auth, &data); err != nil {
			c.t.Fatal(err)
		}
	}
	data["channel"] = channel
	text, err := json.Marshal(map[string]any{"event": "pusher:subscribe", "data": data})
	if err != nil {
		c.t.Fatal(err)
	}
	c.send(string(text))
	return c.nextEvent("pusher_internal:subscription_succeeded")
}

// next returns the next text message.
func (c *client) next() string {
	c.t.Helper()
	text, err := c.read()
	if err != nil {
		c.t.Fatalf("waiting for a message: %v", err)
	}
	return text
}

// nextEvent returns the next message, which must be that event.
func (c *client) nextEvent(event string) message {
	c.t.Helper()
	text := c.next()
	var m message
	if err := json.Unmarshal([]byte(text), &m); err != nil || m.Event != event {
		c.t.Fatalf("got %s, want a %s", text, event)
	}
	return m
}

// expect takes the next message, which must be exactly this text.
func (c *client) expect(text string) {
	c.t.Helper()
	if got := c.next(); got != text {
		c.t.Fatalf("got  %s\nwant %s", got, text)
	}
}

// expectDismissal waits for the error that precedes a close frame of the server's, and for what expectClose waits for.
func (c *client) expectDismissal(code ws.StatusCode, message string) {
	c.t.Helper()
	c.expect(fmt.Sprintf(`{"event":"pusher:error","data":{"code":%d,"message":"%s"}}`, code, message))
	c.expectClose(code)
}

// expectClose waits for the server's close frame, which must have the code and come next, and for the end of the connection.
func (c *client) expectClose(code ws.StatusCode) {
	c.t.Helper()
	text, err := c.read()
	var closed wsutil.ClosedError
	if !errors.As(err, &closed) {
		c.t.Fatalf("got %q, %v; want a close frame with %d", text, err, code)
	}
	if closed.Code != code {
		c.t.Fatalf("closed with %d %q, want %d", closed.Code, closed.Reason, code)
	}
	if n, err := io.Copy(io.Discard, c.in); n > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatalf("%d bytes and %v behind the close frame, want the end", n, err)
	}
}

func (c *client) read() (string, error) {
	if err := c.conn.SetDeadline(time.Now().Add(clientTimeout)); err != nil {
		return "", err
	}
	// Control frames are answered on the connection, and a close frame is returned as a ClosedError.
	data, op, err := wsutil.ReadServerData(struct {
		io.Reader
		io.Writer
	}{c.in, c.conn})
	if err == nil && op != ws.OpText {
		err = fmt.Errorf("a frame of type %d, want text", op)
	}
	return string(data), err
}
