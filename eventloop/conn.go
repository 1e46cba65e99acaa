package eventloop

import (
	"net/http"
	"time"

	"github.com/panjf2000/gnet/v2"

	"reverbd/protocol/pusher"
	"reverbd/protocol/ws"
)

// state is what a connection is in.
type state uint8

const (
	stateHTTP    state = iota // HTTP
	stateOpen                 // WebSocket, its session runs
	stateClosing              // the last bytes have been given to gnet; what still comes is thrown away
	stateClosed               // gone: gnet must not be touched, its descriptor may be another client's
)

// conn is one connection. It is loop-owned. It takes the place of a Session's socket: see broadcast.Conn.
type conn struct {
	gnet    gnet.Conn
	loop    *loop
	session Session   // from the upgrade on
	reader  ws.Reader // WebSocket frames
	http    *exchange // HTTP requests; nil from the upgrade on

	next, prev    *conn // in the wheel's slot
	slot          int16
	lingerTicks   uint16 // closing: how many looks the client has left
	scheduled     bool
	state         state
	writeShutdown bool // our half has been shut down
	deflate       bool // messages may be compressed
}

// opened is called when the connection has come to its loop.
func (c *conn) opened(g gnet.Conn) {
	trimAddresses(g.LocalAddr(), g.RemoteAddr())
	c.gnet = g
	c.http = &exchange{waitingSince: time.Now()}
	c.loop.wheel.schedule(c, c.loop.server.requestTimeout)
}

// traffic is called with everything that has arrived, in the loop's buffer.
func (c *conn) traffic(p []byte) {
	if t, ok := c.gnet.(*tlsConn); ok {
		t.receive(p)
		return
	}
	c.receive(p)
}

// receive takes bytes of the client's, which may be overwritten.
func (c *conn) receive(p []byte) {
	for len(p) > 0 {
		switch c.state {
		case stateHTTP:
			p = c.receiveHTTP(p)
		case stateOpen:
			p = c.receiveFrame(p)
		default:
			return
		}
	}
	if c.state == stateOpen {
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
		c.sendClose(ws.AppendCloseReply(nil, ev.Payload))
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
	late := c.loop.server.stopping.Load() // if not, a drain that is on its way to the loop will find the connection
	key := r.Header.Get("Sec-WebSocket-Key")
	if c.deflate = c.loop.server.options.Compression && ws.OffersDeflate(r.Header); c.deflate {
		c.loop.out = ws.AppendSwitchingDeflated(c.loop.out[:0], key)
	} else {
		c.loop.out = ws.AppendSwitchingProtocols(c.loop.out[:0], key)
	}
	c.Write(c.loop.out)
	if c.state != stateHTTP {
		return
	}
	c.trustForwarded(r)
	c.http, c.session, c.state = nil, s, stateOpen
	s.Open(c.loop.shared, c, r.Header.Get("Origin"))
	if c.state != stateOpen {
		return
	}
	if c.deflate {
		s.Deflate()
	}
	if late {
		c.Close(pusher.CloseStopping, reasonGoingAway)
		return
	}
	s.Flush()
	c.resetTimer(s.Check())
}

// resetTimer moves the next look.
func (c *conn) resetTimer(d time.Duration) {
	c.loop.wheel.cancel(c)
	c.loop.wheel.schedule(c, d)
}

// timerFired is called when the connection's time has come. It returns how long the next look may wait.
func (c *conn) timerFired(now time.Time) time.Duration {
	switch c.state {
	case stateHTTP:
		return c.httpTimerFired(now)
	case stateOpen:
		wait := c.session.Check()
		if c.state == stateOpen {
			c.session.Flush()
		}
		return wait
	case stateClosing:
		if c.lingerTicks == 0 {
			c.drop()
			return tick
		}
		c.lingerTicks--
		c.shutdownWrite()
	}
	return tick
}

// closed is called when gnet has closed the connection: nothing may touch it from the first line on.
func (c *conn) closed() {
	was := c.state
	c.state = stateClosed
	c.loop.wheel.cancel(c)
	c.http = nil
	if was == stateOpen || was == stateClosing && c.session != nil {
		c.session.Gone()
	}
}
