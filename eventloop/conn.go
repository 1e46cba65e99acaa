package eventloop

import (
	"net/http"
	"time"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"

	"reverbd/broadcast"
	"reverbd/protocol/pusher"
	"reverbd/protocol/ws"
)

// state is what a connection is in.
type state uint8

const (
	requests state = iota // HTTP
	open                  // WebSocket, its session runs
	closing               // the last bytes have been given to gnet; what still comes is thrown away
	dead                  // gone: gnet must not be touched, its descriptor may be another client's
)

// conn is one connection. It is loop-owned. It takes the place of a Session's socket: see broadcast.Conn.
type conn struct {
	gnet    gnet.Conn
	loop    *loop
	session Session   // from the upgrade on
	reader  ws.Reader // WebSocket frames
	http    *exchange // HTTP requests; nil from the upgrade on

	next, prev *conn // in the wheel's slot
	slot       int16
	patience   uint16 // closing: how many looks the client has left
	scheduled  bool
	state      state
	halved     bool // our half has been shut down
	deflate    bool // messages may be compressed
}

// opened is called when the connection has come to its loop.
func (c *conn) opened(g gnet.Conn) {
	slim(g.LocalAddr(), g.RemoteAddr())
	c.gnet = g
	c.http = &exchange{since: time.Now()}
	c.loop.wheel.schedule(c, c.loop.server.requestTime)
}

// arrived is called with everything that has arrived, in the loop's buffer.
func (c *conn) arrived(p []byte) {
	if t, ok := c.gnet.(*secure); ok {
		t.receive(p)
		return
	}
	c.receive(p)
}

// receive takes bytes of the client's, which may be overwritten.
func (c *conn) receive(p []byte) {
	for len(p) > 0 {
		switch c.state {
		case requests:
			p = c.receiveHTTP(p)
		case open:
			p = c.receiveFrame(p)
		default:
			return
		}
	}
	if c.state == open {
		c.session.Flush()
	}
}

// receiveFrame handles the first frame of p and returns what is behind it.
func (c *conn) receiveFrame(p []byte) []byte {
	ev, n, err := c.readFrame(p)
	if err != nil {
		c.Close(err.Code, err.Reason)
		return nil
	}
	switch ev.Op {
	case 0:
	case ws.OpText, ws.OpBinary:
		c.session.Message(ev.Op, ev.Payload)
	case ws.OpPing:
		c.session.Control(ev.Op)
		c.session.Send(ws.AppendFrame(nil, ws.OpPong, ev.Payload))
	case ws.OpPong:
		c.session.Control(ev.Op)
	case ws.OpClose:
		c.session.Control(ev.Op)
		c.farewell(ws.AppendCloseReply(nil, ev.Payload))
		return nil
	}
	return p[n:]
}

func (c *conn) readFrame(p []byte) (ws.Event, int, *ws.CloseError) {
	if c.deflate {
		return c.reader.NextDeflated(p, c.session.MaxMessageSize())
	}
	return c.reader.Next(p, c.session.MaxMessageSize())
}

// upgrade makes the connection a WebSocket one.
func (c *conn) upgrade(r *http.Request, s Session) {
	key := r.Header.Get("Sec-WebSocket-Key")
	if c.deflate = c.loop.server.options.Compression && ws.OffersDeflate(r.Header); c.deflate {
		c.loop.out = ws.AppendSwitchingDeflated(c.loop.out[:0], key)
	} else {
		c.loop.out = ws.AppendSwitchingProtocols(c.loop.out[:0], key)
	}
	c.Write(c.loop.out)
	if c.state != requests {
		return
	}
	c.locate(r)
	c.http, c.session, c.state = nil, s, open
	s.Open(c.loop.shared, c, r.Header.Get("Origin"))
	if c.state != open {
		return
	}
	if c.deflate {
		s.Deflate()
	}
	if c.loop.server.stopping.Load() {
		c.Close(pusher.CloseRestart, goingAway) // everyone else has been told
		return
	}
	s.Flush()
	c.lookIn(s.Check())
}

// lookIn moves the next look.
func (c *conn) lookIn(d time.Duration) {
	c.loop.wheel.cancel(c)
	c.loop.wheel.schedule(c, d)
}

// Write implements broadcast.Conn. A client that does not read is cut off when more than the limit is waiting for it.
func (c *conn) Write(p []byte) {
	if c.state == dead {
		return
	}
	if c.gnet.OutboundBuffered() > c.loop.server.slowConsumerBytes() && c.state != closing {
		c.cutOff()
		return
	}
	if t, ok := c.gnet.(*secure); ok {
		t.write(p)
		return
	}
	send(c.gnet, p)
}

// send writes p to a socket. A failure has closed the connection, and OnClose has been told, when it returns.
func send(g gnet.Conn, p []byte) {
	if g.OutboundBuffered() == 0 {
		if p = p[writeNow(g.Fd(), p):]; len(p) == 0 {
			return
		}
	}
	_, _ = g.Write(p)
}

// cutOff ends a connection whose client is too slow.
func (c *conn) cutOff() {
	c.loop.server.slowConsumer(c)
	if c.state == open {
		c.Close(pusher.CloseSlowConsumer, "Slow consumer")
		return
	}
	c.drop()
}

// Close implements broadcast.Conn: the session is over, and the client is told with a close frame.
func (c *conn) Close(code ws.StatusCode, reason string) {
	if c.state == open {
		c.farewell(ws.AppendClose(nil, code, reason))
	}
}

// farewell sends what the session still has and then a close frame, and ends the session.
func (c *conn) farewell(closeFrame broadcast.Frame) {
	c.session.Send(closeFrame)
	c.state = closing
	c.session.Flush()
	if c.state == closing {
		c.session.Gone()
		c.linger()
	}
}

// How long a connection may take to read its last bytes and to close its end.
const lingerTime = 5 * time.Second

// linger waits for the client to close. What it still sends is read and thrown away, since closing a socket with unread data
// makes the kernel discard what we have sent.
func (c *conn) linger() {
	c.state, c.http = closing, nil
	c.reader = ws.Reader{}
	c.patience = uint16(c.loop.server.lingerTime / tick)
	if t, ok := c.gnet.(*secure); ok {
		t.notify()
		if c.state == dead {
			return
		}
	}
	c.halve()
	c.lookIn(tick)
}

// halve shuts our half down once everything has been sent: the client sees the end of the stream behind the last byte.
func (c *conn) halve() {
	if !c.halved && c.gnet.OutboundBuffered() == 0 {
		c.halved = true
		_ = unix.Shutdown(c.gnet.Fd(), unix.SHUT_WR) // fails where the client is gone, which gnet will report
	}
}

// drop closes the connection at once.
func (c *conn) drop() {
	if c.state == dead {
		return
	}
	g := c.gnet
	if t, ok := g.(*secure); ok {
		g = t.Conn
		if t.notify(); c.state == dead {
			return
		}
	}
	_ = g.EventLoop().Close(g)
}

// look is called when the connection's time has come. It returns how long the next look may wait.
func (c *conn) look(now time.Time) time.Duration {
	switch c.state {
	case requests:
		return c.lookHTTP(now)
	case open:
		wait := c.session.Check()
		if c.state == open {
			c.session.Flush()
		}
		return wait
	case closing:
		if c.patience == 0 {
			c.drop()
			return tick
		}
		c.patience--
		c.halve()
	}
	return tick
}

// gone is called when gnet has closed the connection: nothing may touch it from the first line on.
func (c *conn) gone() {
	was := c.state
	c.state = dead
	c.loop.wheel.cancel(c)
	c.http = nil
	if was == open || was == closing && c.session != nil {
		c.session.Gone()
	}
}
