package eventloop

import (
	"context"
	"time"

	"github.com/panjf2000/gnet/v2"
	"go.uber.org/zap"
)

// The methods that gnet calls. All but OnBoot and OnTick run on the loop of the connection.

// OnBoot implements gnet.EventHandler.
func (s *Server) OnBoot(e gnet.Engine) gnet.Action {
	s.engine = e
	close(s.booted)
	return gnet.None
}

// OnOpen implements gnet.EventHandler. Enrolled doorbells come here too.
func (s *Server) OnOpen(c gnet.Conn) ([]byte, gnet.Action) {
	if b, ok := c.Context().(*doorbell); ok {
		b.loop.bell = b
		return nil, gnet.None
	}
	cn := &conn{gnet: c}
	c.SetContext(cn)
	if !s.gate.enter() || s.stopping.Load() {
		cn.state = dead
		s.refused()
		return nil, gnet.Close
	}
	if l, ok := s.byLoop.Load(c.EventLoop()); ok {
		cn.loop = l.(*loop)
	} else {
		cn.loop = s.attach(c.EventLoop())
	}
	cn.http = &exchange{since: time.Now()}
	cn.loop.wheel.schedule(cn, s.requestTime)
	return nil, gnet.None
}

// OnTraffic implements gnet.EventHandler. Everything that has arrived is taken: what is incomplete is kept by the connection,
// not by gnet, which would copy it again with every read.
func (s *Server) OnTraffic(c gnet.Conn) gnet.Action {
	p, _ := c.Peek(-1)
	switch cn := c.Context().(type) {
	case *conn:
		s.receive(cn, p)
		if cn.state != dead {
			_, _ = c.Discard(-1)
		}
	case *doorbell:
		_, _ = c.Discard(-1)
		_ = cn.loop.drain(context.Background())
	}
	return gnet.None
}

func (s *Server) receive(c *conn, p []byte) {
	defer func() {
		if s.caught(recover(), "read", c) {
			c.loop.execute() // what was posted by this read has not been looked at
		}
	}()
	c.receive(p)
	c.loop.shared.Settle()
}

// OnClose implements gnet.EventHandler.
func (s *Server) OnClose(c gnet.Conn, _ error) gnet.Action {
	cn, ok := c.Context().(*conn)
	if !ok {
		return gnet.None
	}
	s.gate.leave()
	if cn.loop == nil {
		return gnet.None // was turned away
	}
	defer func() {
		if s.caught(recover(), "close", nil) {
			cn.loop.execute()
		}
	}()
	cn.gone()
	cn.loop.shared.Settle()
	return gnet.None
}

// OnTick implements gnet.EventHandler. It runs on a goroutine of its own.
func (s *Server) OnTick() (time.Duration, gnet.Action) {
	for _, l := range s.loops[:s.attached.Load()] {
		if l.ticking.CompareAndSwap(false, true) {
			l.shared.Post(l)
		}
	}
	return tick, gnet.None
}

// caught handles what recover returned where a handler begins: a panic is our mistake, and costs the one connection that it
// happened on.
func (s *Server) caught(cause any, where string, c *conn) bool {
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
