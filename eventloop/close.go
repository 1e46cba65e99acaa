package eventloop

import (
	"math"
	"time"

	"golang.org/x/sys/unix"

	"reverbd/broadcast"
	"reverbd/protocol/ws"
)

// Close implements broadcast.Conn: it ends the session, and tells the client with a close frame.
func (c *conn) Close(code ws.StatusCode, reason string) {
	if c.state == stateOpen {
		c.sendClose(ws.AppendClose(nil, code, reason), code, reason)
	}
}

// closeReply answers the close frame of a client.
func (c *conn) closeReply(payload []byte) {
	code, reason, err := ws.ParseClose(payload)
	if err != nil {
		code, reason = err.Code, []byte(err.Reason)
	}
	c.sendClose(ws.AppendCloseReply(nil, payload), code, string(reason))
}

// sendClose sends what the session has queued and then the close frame, and ends the session, which is told code and reason.
func (c *conn) sendClose(closeFrame broadcast.Frame, code ws.StatusCode, reason string) {
	c.session.Send(closeFrame)
	c.state = stateClosing
	c.session.Flush()
	if c.state == stateClosing {
		c.session.Gone(code, reason)
		c.lingeringClose()
	}
}

// lingeringTimeout is how long a client may take to read the last bytes and to close its end of the connection.
const lingeringTimeout = 5 * time.Second

// lingeringClose waits for the client to close its end. What the client still sends is read and discarded: closing a socket with
// unread data makes the kernel discard what has been sent to the client.
func (c *conn) lingeringClose() {
	c.endHTTP()
	c.state, c.reader = stateClosing, ws.Reader{}
	c.lingerTicks = uint8(min(c.loop.server.lingeringTimeout/tick, math.MaxUint8))
	if t, ok := c.gnet.(*tlsConn); ok {
		t.sendCloseNotify()
		if c.state == stateClosed {
			return
		}
	}
	c.shutdownWrite()
	if c.writeShutdown && c.isHalfClosed() {
		c.drop() // there is nothing to wait for
		return
	}
	c.resetTimer(tick)
}

// shutdownWrite shuts down writing (shutdown(2)) once everything has been sent: the client reads the end of the stream after the
// last byte.
func (c *conn) shutdownWrite() {
	if !c.writeShutdown && c.gnet.OutboundBuffered() == 0 {
		c.writeShutdown = true
		_ = unix.Shutdown(c.gnet.Fd(), unix.SHUT_WR) // fails where the client is gone, which gnet will report
	}
}

// drop closes the connection at once. closed has been called when it returns.
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
	if h, ok := g.(*halfClosedConn); ok {
		c.closeHalfClosed(h)
		return
	}
	_ = g.EventLoop().Close(g)
}
