package eventloop

import (
	"time"

	"golang.org/x/sys/unix"

	"reverbd/broadcast"
	"reverbd/protocol/ws"
)

// Close implements broadcast.Conn: the session is over, and the client is told with a close frame.
func (c *conn) Close(code ws.StatusCode, reason string) {
	if c.state == stateOpen {
		c.sendClose(ws.AppendClose(nil, code, reason))
	}
}

// sendClose sends what the session still has and then a close frame, and ends the session.
func (c *conn) sendClose(closeFrame broadcast.Frame) {
	c.session.Send(closeFrame)
	c.state = stateClosing
	c.session.Flush()
	if c.state == stateClosing {
		c.session.Gone()
		c.lingeringClose()
	}
}

// How long a connection may take to read its last bytes and to close its end.
const lingeringTimeout = 5 * time.Second

// lingeringClose waits for the client to close. What it still sends is read and thrown away, since closing a socket with unread data
// makes the kernel discard what we have sent.
func (c *conn) lingeringClose() {
	c.state, c.http = stateClosing, nil
	c.reader = ws.Reader{}
	c.lingerTicks = uint16(c.loop.server.lingeringTimeout / tick)
	if t, ok := c.gnet.(*tlsConn); ok {
		t.sendCloseNotify()
		if c.state == stateClosed {
			return
		}
	}
	c.shutdownWrite()
	c.resetTimer(tick)
}

// shutdownWrite shuts our half down once everything has been sent: the client sees the end of the stream behind the last byte.
func (c *conn) shutdownWrite() {
	if !c.writeShutdown && c.gnet.OutboundBuffered() == 0 {
		c.writeShutdown = true
		_ = unix.Shutdown(c.gnet.Fd(), unix.SHUT_WR) // fails where the client is gone, which gnet will report
	}
}

// drop closes the connection at once.
func (c *conn) drop() {
	if c.state == stateClosed {
		return
	}
	g := c.gnet
	if t, ok := g.(*tlsConn); ok {
		g = t.Conn
		if t.sendCloseNotify(); c.state == stateClosed {
			return
		}
	}
	_ = g.EventLoop().Close(g)
}
