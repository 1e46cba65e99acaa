package bench_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"reverbd/bench/internal/dialect"
	"reverbd/protocol/pusher"
	"reverbd/protocol/ws"
)

// fake is a Pusher server with as much of the protocol as a run needs, and with faults.
type fake struct {
	deliver  func(n int, frame []byte) (frames [][]byte) // what the n-th frame for one client (from 1) becomes; nil: itself
	ping     bool                                        // is sent before everything else, so that it is answered before anything is asked for
	pong     func(n int) bool                            // whether the n-th ping (from 1) is answered; nil: all are
	refuse   func(n int) bool                            // whether the n-th handshake (from 1) is
	miscount int                                         // is added to the number of members that a joiner is told

	mu      sync.Mutex
	clients []*fakeClient // subscribed
	pongs   int
	pings   int
	asked   int // for a WebSocket
}

type fakeClient struct {
	net.Conn
	channels map[string]bool
	n        int    // frames
	member   []byte // channel_data
}

// start serves until the test ends.
func (f *fake) start(t *testing.T) (url string) {
	server := httptest.NewServer(f)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return "ws://" + strings.TrimPrefix(server.URL, "http://")
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !ws.IsUpgrade(r) {
		body, _ := io.ReadAll(r.Body)
		f.publish(body)
		_, _ = io.WriteString(w, "{}")
		return
	}
	if f.refuses() {
		http.Error(w, "full", http.StatusServiceUnavailable)
		return
	}
	conn, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	hello := ws.AppendSwitchingProtocols(nil, r.Header.Get("Sec-WebSocket-Key"), ws.Accepted{})
	if f.ping {
		hello = ws.AppendFrame(hello, ws.OpText, pusher.AppendPing(nil))
	}
	hello = ws.AppendFrame(hello, ws.OpText, pusher.AppendConnectionEstablished(nil, 1<<32|1, 30))
	_, _ = conn.Write(hello)
	f.read(&fakeClient{Conn: conn, channels: map[string]bool{}}, buffered)
}

func (f *fake) refuses() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	return f.refuse != nil && f.refuse(f.asked)
}

// read serves one client until it goes.
func (f *fake) read(c *fakeClient, from io.Reader) {
	defer c.Close()
	defer f.forget(c)
	var reader ws.Reader
	buffer := make([]byte, 4096)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		for p := buffer[:n]; len(p) > 0; {
			event, used, closed := reader.Next(p, 0)
			if closed != nil {
				return
			}
			p = p[used:]
			if m, err := pusher.Parse(event.Payload); event.Op == ws.OpText && err == nil {
				f.message(c, m)
			}
		}
	}
}

func (f *fake) message(c *fakeClient, m pusher.Message) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch string(m.Event) {
	case pusher.EventPong:
		f.pongs++
	case pusher.EventSubscribe:
		s, _ := pusher.ParseSubscribe(m.Data)
		if len(c.channels) == 0 {
			f.clients = append(f.clients, c)
		}
		c.channels[string(s.Channel)] = true
		if s.ChannelData != nil {
			f.join(c, s)
			return
		}
		_, _ = c.Write(ws.AppendFrame(nil, ws.OpText, pusher.AppendSubscriptionSucceeded(nil, s.Channel)))
	case pusher.EventPing:
		if f.pings++; f.pong == nil || f.pong(f.pings) {
			_, _ = c.Write(ws.AppendFrame(nil, ws.OpText, pusher.AppendPong(nil)))
		}
	case pusher.EventUnsubscribe:
		f.leave(c)
	case dialect.Whispered:
		for _, other := range f.clients {
			if other != c && other.channels[string(m.Channel)] {
				f.write(other, ws.AppendFrame(nil, ws.OpText, pusher.AppendClientEvent[[]byte](nil, m.Event, m.Channel, m.Data, nil)))
			}
		}
	}
}

func (f *fake) forget(c *fakeClient) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.clients = slices.DeleteFunc(f.clients, func(x *fakeClient) bool { return x == c })
}

// publish delivers the one event of an API request.
func (f *fake) publish(body []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	members, err := pusher.ObjectMembers(body)
	if err != nil {
		return // the request that asks for the channels
	}
	event := map[string][]byte{}
	for key, value, ok := members.Next(); ok; key, value, ok = members.Next() {
		event[string(key)] = value
	}
	frame := ws.AppendFrame(nil, ws.OpText, pusher.AppendEvent(nil, event["name"], event["data"], event["channel"]))
	for _, c := range f.clients {
		if !c.channels[strings.Trim(string(event["channel"]), `"`)] {
			continue
		}
		f.write(c, frame)
	}
}

// write sends a client what becomes of a frame.
func (f *fake) write(c *fakeClient, frame []byte) {
	c.n++
	frames := [][]byte{frame}
	if f.deliver != nil {
		frames = f.deliver(c.n, frame)
	}
	for _, frame := range frames {
		_, _ = c.Write(frame)
	}
}
