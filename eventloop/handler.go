package eventloop

import (
	"context"
	"time"

	"github.com/panjf2000/gnet/v2"
	"go.uber.org/zap"
)

// The methods that gnet calls. All but OnTick are called on the loop of the connection.

// OnOpen implements gnet.EventHandler. The context of c says what has been enrolled.
func (s *Server) OnOpen(c gnet.Conn) ([]byte, gnet.Action) {
	switch x := c.Context().(type) {
	case *waker:
		x.gnet = c.EventLoop()
	case *conn:
		x.opened(s, c)
	case *handshaken:
		c.SetContext(x.conn)
		x.opened(s, c)
		s.receive(x.conn, x.buffered)
	}
	return nil, gnet.None
}

// OnTraffic implements gnet.EventHandler. It takes everything that has arrived: what is incomplete is kept by the connection and not
// by gnet, which would copy it again with every read.
func (s *Server) OnTraffic(c gnet.Conn) gnet.Action {
	p, _ := c.Peek(-1)
	switch cn := c.Context().(type) {
	case *conn:
		s.receive(cn, p)
		if cn.state != stateClosed {
			_, _ = c.Discard(-1)
		}
	case *waker:
		_, _ = c.Discard(-1)
		_ = cn.loop.runMailbox(context.Background())
	}
	return gnet.None
}

func (s *Server) receive(c *conn, p []byte) {
	began := c.loop.shared.BeginTurn()
	defer func() {
		c.loop.shared.EndTurn(began)
		if s.recovered(recover(), "read", c) {
			c.loop.wake() // what this read has posted is still in the mailbox
		}
	}()
	c.loop.beginTurn()
	c.traffic(p)
	c.loop.shared.DrainUnlessScheduled()
}

// OnClose implements gnet.EventHandler.
func (s *Server) OnClose(c gnet.Conn, err error) gnet.Action {
	cn, ok := c.Context().(*conn)
	if !ok {
		s.failOnce.Do(func() { close(s.failed) }) // only the end of its loop closes a waker
		return gnet.None
	}
	if !cn.keepHalfClosed(c, err) {
		s.connClosed(cn)
	}
	return gnet.None
}

// connClosed is called when the socket of c is closed.
func (s *Server) connClosed(c *conn) {
	s.countOut(c)
	defer func() {
		if s.recovered(recover(), "close", nil) {
			c.loop.wake()
		}
	}()
	c.closed()
	c.loop.shared.DrainUnlessScheduled()
}

// OnTick implements gnet.EventHandler. It runs on a goroutine of its own.
func (s *Server) OnTick() (time.Duration, gnet.Action) {
	for _, l := range s.loops {
		if l.ticking.CompareAndSwap(false, true) {
			l.shared.Post(l)
		}
	}
	return tick, gnet.None
}

// recovered handles the result of recover in a handler, and reports whether there was a panic. A panic ends the connection that it
// happened on, and no other; c is nil if there is none.
func (s *Server) recovered(cause any, where string, c *conn) bool {
	if cause == nil {
		return false
	}
	s.stats.panics.Add(1)
	s.log.Error("panic", zap.String("in", where), zap.Any("cause", cause), zap.Stack("stack"))
	if c != nil {
		c.drop()
	}
	return true
}
