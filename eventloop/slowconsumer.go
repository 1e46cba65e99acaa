package eventloop

import (
	"github.com/panjf2000/gnet/v2"

	"reverbd/protocol/pusher"
)

// Write implements broadcast.Conn. A client that does not read is cut off when more than Limits.SlowConsumerBytes wait for it.
func (c *conn) Write(p []byte) {
	if c.state == stateClosed {
		return
	}
	if c.gnet.OutboundBuffered() > c.loop.server.slowConsumerBytes() && c.state != stateClosing {
		c.cutOffSlowConsumer()
		return
	}
	if t, ok := c.gnet.(*tlsConn); ok {
		t.write(p)
		return
	}
	send(c.gnet, p)
}

// send writes p to a socket. If that fails, gnet has closed the connection and called OnClose before send returns.
func send(g gnet.Conn, p []byte) {
	if g.OutboundBuffered() == 0 {
		if p = p[writeNow(g.Fd(), p):]; len(p) == 0 {
			return
		}
	}
	_, _ = g.Write(p)
}

// cutOffSlowConsumer ends a connection whose client reads too slowly.
func (c *conn) cutOffSlowConsumer() {
	c.loop.server.logSlowConsumer(c)
	if c.state == stateOpen {
		c.session.Close(pusher.CloseSlowConsumer, "Slow consumer")
		return
	}
	c.drop()
}
