package eventloop

import (
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/panjf2000/gnet/v2"

	"reverbd/protocol/pusher"
	"reverbd/protocol/ws"
)

// state is the state of a connection.
type state uint8

const (
	stateHTTP    state = iota // it speaks HTTP
	stateOpen                 // it speaks WebSocket, and its session runs
	stateClosing              // the last bytes have been given to gnet; what still arrives is discarded
	stateClosed               // gnet must not be called: the descriptor may be another client's
)

// conn is one connection. It is loop-owned. It is the broadcast.Conn of its session.
type conn struct {
	gnet    gnet.Conn
	loop    *loop
	session Session   // nil before the upgrade
	reader  ws.Reader // of WebSocket frames
	http    *exchange // nil from the upgrade on

	next, prev    *conn // in the slot of the timer wheel
	slot          int16
	lingerTicks   uint8 // stateClosing: ticks that are left to the client
	enrolled      bool  // in its loop; never changes again
	scheduled     bool  // in the timer wheel
	state         state
	writeShutdown bool // no more is sent: shutdownWrite has done its work
	deflate       bool // permessage-deflate has been negotiated
	held          bool // a part of what has arrived is in loop.held
}

// opened is called when the connection has been enrolled in its loop, which it has from then on.
func (c *conn) opened(s *Server, g gnet.Conn) {
	trimAddresses(g.LocalAddr(), g.RemoteAddr())
	c.gnet, c.enrolled = g, true
	c.loop = s.loopOf(g)
	c.loop.connections.Add(1)
	c.http = &exchange{conn: c, waitingSince: time.Now()}
	c.loop.http.Add(c.http)
	c.loop.wheel.schedule(c, c.loop.server.requestTimeout)
}

// Owner is the session, nil before the upgrade.
func (c *conn) Owner() any { return c.session }

// Waiting is how many bytes the client has not taken.
func (c *conn) Waiting() int { return c.gnet.OutboundBuffered() }

// traffic handles everything that has arrived, in the loop's buffer.
func (c *conn) traffic(p []byte) {
	if t, ok := c.gnet.(*tlsConn); ok {
		t.receive(p)
		return
	}
	c.receive(p)
}

// receive handles bytes that the client has sent, without the encryption of TLS. It may overwrite them. What goes beyond the turn of
// the connection is held.
func (c *conn) receive(p []byte) {
	if c.held {
		c.receiveHeld(p)
		return
	}
	if rest := c.handle(p); len(rest) > 0 && !c.loop.hold(c, rest) {
		c.loop.turn.unlimited = true
		c.handle(rest)
	}
}

// handle handles what p begins with until the turn of the connection is over, and returns what it has not handled.
func (c *conn) handle(p []byte) []byte {
	for len(p) > 0 && (c.state == stateHTTP || c.state == stateOpen) && !c.loop.turnOver() {
		before := len(p)
		if c.state == stateHTTP {
			p = c.receiveHTTP(p)
		} else {
			p = c.receiveFrame(p)
		}
		c.loop.turn.handled(before - len(p))
	}
	switch c.state {
	case stateOpen:
		c.session.Flush()
	case stateHTTP:
	default:
		return nil // what a connection that ends still sends is discarded
	}
	return p
}

// receiveFrame handles the first frame of p and returns what follows it.
func (c *conn) receiveFrame(p []byte) []byte {
	ev, n, err := c.readFrame(p)
	if err != nil {
		c.Close(err.Code, err.Reason)
		return nil
	}
	switch ev.Op {
	case 0:
	case ws.OpText, ws.OpBinary:
		c.loop.turn.bytes += len(ev.Payload)
		c.session.Message(ev.Op, ev.Payload)
	case ws.OpPing:
		c.session.Control(ev.Op)
		c.session.Send(ws.AppendFrame(nil, ws.OpPong, ev.Payload))
	case ws.OpPong:
		c.session.Control(ev.Op)
	case ws.OpClose:
		c.session.Control(ev.Op)
		c.closeReply(ev.Payload)
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
	late := c.loop.server.stopping.Load() // if not, the drain that comes to the loop finds the connection
	key := r.Header.Get("Sec-WebSocket-Key")
	c.deflate = c.loop.server.options.Compression && ws.OffersDeflate(r.Header)
	c.loop.out = ws.AppendSwitchingProtocols(c.loop.out[:0], key, ws.Accepted{Protocol: ws.Subprotocol(r.Header), Deflate: c.deflate})
	c.Write(c.loop.out)
	if c.state != stateHTTP {
		return
	}
	c.trustForwarded(r)
	c.endHTTP()
	c.session, c.state = s, stateOpen
	s.Open(c.loop.shared, c, r.Header.Get("Origin"))
	if c.state != stateOpen {
		return
	}
	if c.deflate {
		s.Deflate()
	}
	if c.loop.server.waitingAbove(refuseAbove) {
		c.loop.server.logMemoryRefused(c)
		c.session.Close(pusher.CloseSlowConsumer, "Over capacity")
		return
	}
	if late {
		c.session.Close(pusher.CloseStopping, reasonGoingAway)
		return
	}
	s.Flush()
	c.resetTimer(s.Check() + rand.N(firstJitter)) //nolint:gosec // not a secret
}

// firstJitter spreads the timers of clients that connect together: their pings, too, come in the same tick otherwise.
const firstJitter = time.Second

// endHTTP forgets what belongs to HTTP. It may be called twice.
func (c *conn) endHTTP() {
	if c.http != nil {
		c.loop.http.Remove(c.http)
		c.http = nil
	}
}

// resetTimer has the timer fire in d, and no more when it would have fired.
func (c *conn) resetTimer(d time.Duration) {
	c.loop.wheel.cancel(c)
	c.loop.wheel.schedule(c, d)
}

// timerFired returns in what time the timer is to fire again.
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
		if c.shutdownWrite(); c.writeShutdown && c.isHalfClosed() {
			c.drop()
		}
	}
	return tick
}

// closed is called when gnet has closed the connection. From its first line on nothing may touch gnet's part of it.
func (c *conn) closed() {
	was := c.state
	c.state = stateClosed
	c.loop.wheel.cancel(c)
	c.loop.letGo(c)
	delete(c.loop.backlog, c)
	c.endHTTP()
	if was == stateOpen || was == stateClosing && c.session != nil {
		c.session.Gone(ws.StatusAbnormalClosure, "")
	}
}
