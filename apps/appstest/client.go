package appstest

import (
	"encoding/binary"
	"fmt"
	"time"

	"reverbd/apps"
	"reverbd/broadcast"
	"reverbd/protocol/pusher"
	"reverbd/protocol/ws"
)

// Client is one connection, as a session and as what its client has received.
type Client struct {
	Session *apps.Session

	server *Server
	state  state
	due    time.Time // when the session is to be looked at

	texts  []string
	pings  int
	code   ws.StatusCode
	reason string
}

type state uint8

const (
	open state = iota
	closing
	gone
)

// Dial connects to the percent-encoded path. It returns nil where no WebSocket is served.
func (s *Server) Dial(path, origin string) *Client {
	session := s.Sessions.Accept(path)
	if session == nil {
		return nil
	}
	loops := s.Hub.Loops()
	c := &Client{Session: session, server: s}
	session.Open(loops[s.dialled%len(loops)], c, origin)
	s.dialled++
	s.clients = append(s.clients, c)
	if c.open() {
		session.Flush()
		c.due = s.now.Add(session.Check())
	}
	s.Settle()
	return c
}

// Connect is Dial to an app (see App), which must accept the client. Its connection_established is not in Received.
func (s *Server) Connect(app string) *Client {
	s.t.Helper()
	c := s.Dial(s.Sessions.Prefix+"/app/"+app+"-key", "")
	if got := c.Received(); !c.open() || len(got) != 1 {
		s.t.Fatalf("connecting to %s: got %q", app, got)
	}
	return c
}

func (c *Client) open() bool { return c.state == open }

// ID is the socket id.
func (c *Client) ID() pusher.SocketID { return c.Session.ID }

// Send sends text messages that arrive in one read. Messages after the end of the session are dropped.
func (c *Client) Send(texts ...string) {
	for _, text := range texts {
		if c.open() {
			c.Session.Message(ws.OpText, []byte(text))
		}
	}
	c.read()
}

// SendBinary sends a binary message.
func (c *Client) SendBinary(p []byte) {
	if c.open() {
		c.Session.Message(ws.OpBinary, append([]byte(nil), p...))
	}
	c.read()
}

// Control sends a control frame: OpPing or OpPong.
func (c *Client) Control(op ws.OpCode) {
	if c.open() {
		c.Session.Control(op)
	}
	c.read()
}

// read is the end of one read of the connection.
func (c *Client) read() {
	if c.open() {
		c.Session.Flush()
	}
	c.Session.Loop().DrainUnlessScheduled() // the other loops are woken if they have work
	c.server.Settle()
}

// Drop ends the connection without a close frame, as a client that disappears.
func (c *Client) Drop() {
	was := c.state
	c.state = gone
	if was == open {
		c.Session.Gone(ws.StatusAbnormalClosure, "")
	}
	c.read()
}

// Subscribe subscribes to a channel with the right signature of its app. channelData may be "".
func (c *Client) Subscribe(secret, channel, channelData string) {
	c.Send(c.Subscription(secret, channel, channelData))
}

// Subscription is the message that Subscribe sends.
func (c *Client) Subscription(secret, channel, channelData string) string {
	auth := "key:" + pusher.ChannelSignature(secret, c.ID(), []byte(channel), []byte(channelData))
	b := append([]byte(`{"event":"pusher:subscribe","data":{"channel":`), pusher.AppendString(nil, channel)...)
	b = pusher.AppendString(append(b, `,"auth":`...), auth)
	if channelData != "" {
		b = pusher.AppendString(append(b, `,"channel_data":`...), channelData)
	}
	return string(append(b, "}}"...))
}

// Received returns the texts that have come, and forgets them.
func (c *Client) Received() []string {
	texts := c.texts
	c.texts = nil
	return texts
}

// Pings returns the number of ping frames that have come, and forgets it.
func (c *Client) Pings() int {
	n := c.pings
	c.pings = 0
	return n
}

// Closed is the code of the close frame that has come; 0 while there is none.
func (c *Client) Closed() ws.StatusCode { return c.code }

// Reason is the text of that close frame.
func (c *Client) Reason() string { return c.reason }

// check looks at the session as the timer does.
func (c *Client) check() {
	wait := c.Session.Check()
	if wait <= 0 {
		panic(fmt.Sprintf("appstest: Check wants to be called again in %v", wait))
	}
	if c.open() {
		c.Session.Flush()
	}
	c.due = c.server.now.Add(wait)
}

// Write implements broadcast.Conn. It panics on anything but whole frames as a server sends them.
func (c *Client) Write(p []byte) {
	if c.state == gone {
		panic("appstest: a write to a connection that is gone")
	}
	for len(p) > 0 {
		op, payload, rest := frame(p)
		p = rest
		switch {
		case c.code != 0:
			panic("appstest: a frame behind the close frame")
		case op == ws.OpText:
			c.texts = append(c.texts, string(payload))
		case op == ws.OpPing:
			c.pings++
		case op == ws.OpClose:
			c.code, c.reason = ws.StatusCode(binary.BigEndian.Uint16(payload)), string(payload[2:])
		default:
			panic(fmt.Sprintf("appstest: a frame with opcode %d", op))
		}
	}
}

// Close implements broadcast.Conn: the session ends behind a close frame.
func (c *Client) Close(code ws.StatusCode, reason string) {
	if !c.open() {
		return
	}
	c.Session.Send(broadcast.Frame(ws.AppendClose(nil, code, reason)))
	c.state = closing
	c.Session.Flush()
	c.Session.Gone(code, reason)
}

// frame reads the first frame of p.
func frame(p []byte) (op ws.OpCode, payload, rest []byte) {
	if len(p) < 2 || p[0]&0xf0 != 0x80 {
		panic(fmt.Sprintf("appstest: not a frame: % x", p))
	}
	size, at := uint64(p[1]), 2
	switch size {
	case 126:
		size, at = uint64(binary.BigEndian.Uint16(p[2:])), 4
	case 127:
		size, at = binary.BigEndian.Uint64(p[2:]), 10
	}
	if size > uint64(len(p)-at) {
		panic("appstest: half a frame")
	}
	end := at + int(size)
	return ws.OpCode(p[0] & 0x0f), p[at:end], p[end:]
}
