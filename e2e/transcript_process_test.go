package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"reverbd/apps"
	"reverbd/cmd/reverbd/config"
)

// processDriver talks to reverbd processes over sockets. With several, which are one cluster, clients and requests take turns: a
// request goes to another node than the one that the client before it is on.
type processDriver struct {
	t        *testing.T
	servers  []*server
	apps     []apps.Settings
	clients  map[string]*wireClient
	fences   int
	together bool // all clients are on the first server
	turn     int  // of the requests
	opened   int
	others   *crossFence // with several
}

// wireClient is a WebSocket connection as frames.
type wireClient struct {
	conn net.Conn
	in   io.Reader
	key  string
	id   string // the socket id, of a fence's
}

func newProcessDriver(t *testing.T, conf config.Config, servers ...*server) *processDriver {
	return &processDriver{t: t, servers: servers, apps: conf.Apps, clients: map[string]*wireClient{}}
}

func (d *processDriver) open(conn, key, origin string) {
	d.t.Helper()
	s := d.servers[0]
	if !d.together {
		s = d.servers[d.opened%len(d.servers)]
	}
	d.opened++
	dialer := ws.Dialer{Timeout: clientTimeout}
	if origin != "" {
		dialer.Header = ws.HandshakeHeaderHTTP{"Origin": {origin}}
	}
	c, early, _, err := dialer.Dial(context.Background(), "ws://"+s.addr()+"/app/"+key+"?protocol=7&client=js&version=8.4.0&flash=false")
	if err != nil {
		d.t.Fatalf("opening %s: %v", conn, err)
	}
	d.t.Cleanup(func() { _ = c.Close() })
	client := &wireClient{conn: c, in: c, key: key}
	if early != nil {
		client.in = io.MultiReader(io.LimitReader(early, int64(early.Buffered())), c)
	}
	d.clients[conn] = client
}

func (d *processDriver) send(conn, text string) {
	d.t.Helper()
	if err := ws.WriteFrame(d.clients[conn].conn, ws.MaskFrameInPlace(ws.NewTextFrame([]byte(text)))); err != nil {
		d.t.Fatalf("sending %s: %v", text, err)
	}
}

// drop waits until the server counts one connection less.
func (d *processDriver) drop(conn string) {
	d.t.Helper()
	c := d.clients[conn]
	_ = c.conn.Close()
	delete(d.clients, conn)
	want := 0
	for _, other := range d.clients {
		if other.key == c.key {
			want++
		}
	}
	body := fmt.Sprintf(`{"connections":%d}`, want)
	for deadline := time.Now().Add(clientTimeout); ; time.Sleep(time.Millisecond) {
		got := d.connections(c.key)
		if got == body {
			return
		}
		if time.Now().After(deadline) {
			d.t.Fatalf("%s has gone, and the server says %s, want %s", conn, got, body)
		}
	}
}

// connections is what the server says of the app with that key.
func (d *processDriver) connections(key string) string {
	for _, a := range d.apps {
		if a.Key == key {
			return d.request("GET", signTarget(a.Key, a.Secret, "GET", "/apps/"+a.ID+"/connections", nil, "", time.Now()), "").Body
		}
	}
	return ""
}

func (d *processDriver) request(method, target, body string) *response {
	d.t.Helper()
	d.turn++
	req, err := http.NewRequest(method, d.servers[d.turn%len(d.servers)].url(target), strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	res, err := (&http.Client{Timeout: clientTimeout}).Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return &response{res.StatusCode, res.Header.Get("Content-Type"), string(text)}
}

// collect puts up two fences: a ping frame with a payload of its own, which the server answers in its place, and when the answer
// is there, another. The first answer may overtake what other loops have posted to the connection's loop, since it leaves
// at the end of the read; but before the loop reads the second ping it has taken its turn with what was posted.
//
// From other nodes things come when they come. What is wanted is waited for, and a fence is sent along the same way.
func (d *processDriver) collect(conn string, want int) (texts []string, closed int) {
	d.t.Helper()
	c := d.clients[conn]
	if d.others != nil {
		texts, closed = c.awaited(d.t, want)
		d.others.fence(d.t)
	}
	for range 2 {
		if closed != 0 {
			break
		}
		d.fences++
		fence := fmt.Appendf(nil, "fence %d", d.fences)
		ping := ws.NewPingFrame(bytes.Clone(fence))
		_ = ws.WriteFrame(c.conn, ws.MaskFrameInPlace(ping)) // fails where the server has gone, which reading will tell
		more, code := c.until(d.t, fence)
		texts, closed = append(texts, more...), code
	}
	if closed != 0 {
		_ = c.conn.Close()
		delete(d.clients, conn)
	}
	return texts, closed
}

// until reads up to the pong with that payload, or to the end of the connection, whose code it returns.
func (c *wireClient) until(t *testing.T, fence []byte) (texts []string, code int) {
	t.Helper()
	for {
		f, err := c.frame()
		if err != nil {
			if isTimeout(err) {
				t.Fatalf("nothing comes, not even the answer to a ping; got so far: %q", texts)
			}
			return texts, noCloseFrame
		}
		if !f.Header.Fin || f.Header.Masked || f.Header.Rsv != 0 {
			t.Fatalf("a server sends whole unmasked frames, not %+v", f.Header)
		}
		switch f.Header.OpCode {
		case ws.OpText:
			texts = append(texts, string(f.Payload))
		case ws.OpPong:
			if bytes.Equal(f.Payload, fence) {
				return texts, 0
			}
		case ws.OpClose:
			if rest, err := io.ReadAll(c.in); len(rest) > 0 || isTimeout(err) {
				t.Fatalf("behind the close frame: %q, %v; want the end", rest, err)
			}
			code, _ := ws.ParseCloseFrameData(f.Payload)
			return texts, int(code)
		default:
			t.Fatalf("a frame with opcode %x", f.Header.OpCode)
		}
	}
}

// awaited reads up to the n-th message, to the end of the connection, or until nothing comes.
func (c *wireClient) awaited(t *testing.T, n int) (texts []string, code int) {
	t.Helper()
	for len(texts) < n {
		f, err := c.frame()
		switch {
		case isTimeout(err):
			return texts, 0
		case err != nil:
			return texts, noCloseFrame
		case f.Header.OpCode == ws.OpClose:
			code, _ := ws.ParseCloseFrameData(f.Payload)
			return texts, int(code)
		case f.Header.OpCode == ws.OpText:
			texts = append(texts, string(f.Payload))
		}
	}
	return texts, 0
}

func (c *wireClient) frame() (ws.Frame, error) {
	_ = c.conn.SetReadDeadline(time.Now().Add(clientTimeout))
	return readFrame(c.in)
}

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// readFrame reads one frame of at most a megabyte. The error is io.EOF where no frame begins.
func readFrame(in io.Reader) (f ws.Frame, err error) {
	if f.Header, err = ws.ReadHeader(in); err != nil {
		return f, err
	}
	if f.Header.Length > 1<<20 {
		return f, fmt.Errorf("a frame of %d bytes", f.Header.Length)
	}
	f.Payload = make([]byte, f.Header.Length)
	if _, err = io.ReadFull(in, f.Payload); errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return f, err
}

func (d *processDriver) now() time.Time { return time.Now() }

func (d *processDriver) cannot(transcript string, step int) string {
	if d.others != nil && transcript == "decision-09-presence" && (step == 14 || step == 16) {
		return "what a user said of himself stays the cluster's while he is on any node, whichever of his connections said it"
	}
	return ""
}
