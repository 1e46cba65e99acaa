package eventloop

import (
	"math/bits"

	"github.com/panjf2000/gnet/v2"

	"reverbd/protocol/pusher"
)

// Write implements broadcast.Conn. A client that does not read is cut off before more than Limits.SlowConsumerBytes wait for it. While
// nothing waits, one frame of any size may: the roster of a large presence channel is larger than the limit.
func (c *conn) Write(p []byte) {
	if c.state == stateClosed {
		return
	}
	waiting := c.gnet.OutboundBuffered()
	if waiting > 0 && waiting+len(p) > c.loop.server.slowConsumerBytes() && c.state != stateClosing {
		c.cutOffSlowConsumer()
		return
	}
	if t, ok := c.gnet.(*tlsConn); ok {
		t.write(p)
	} else {
		send(c.gnet, p)
	}
	if waiting == 0 && c.state != stateClosed && c.gnet.OutboundBuffered() > 0 {
		c.loop.noteBacklog(c)
	}
}

// send writes p to a socket. If that fails, gnet has closed the connection and called OnClose before send returns.
func send(g gnet.Conn, p []byte) {
	if g.OutboundBuffered() == 0 {
		p = p[writeNow(g.Fd(), p):]
	}
	for len(p) > 0 {
		n := chunk(len(p))
		if _, err := g.Write(p[:n]); err != nil {
			return
		}
		p = p[n:]
	}
}

// minChunk is the smallest piece of output that is split off, in bytes.
const minChunk = 1 << 10

// chunk is how many of n bytes that wait for a socket go into one buffer: gnet takes one of a power of two for each write, so that
// 70,000 bytes in one piece would hold 131,072.
func chunk(n int) int {
	if n <= minChunk {
		return n
	}
	return 1 << (bits.Len(uint(n)) - 1)
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

// endForMemory closes the connection at once, so that its output is freed. Its session ends with 4100.
func (c *conn) endForMemory() {
	defer func() { c.loop.server.recovered(recover(), "memory", c) }()
	if c.session != nil {
		c.session.Gone(pusher.CloseSlowConsumer, "Slow consumer")
	}
	c.drop()
}
