package eventloop

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/panjf2000/gnet/v2"
	"go.uber.org/zap"

	"reverbd/broadcast"
	"reverbd/protocol/pusher"
)

// loop is what one event loop owns on this side; broadcast.Loop is the rest of it.
type loop struct {
	server *Server
	gnet   gnet.EventLoop
	shared *broadcast.Loop
	bell   *doorbell // nil until it is enrolled
	wheel  wheel

	heads    headReader
	response response
	out      []byte // the response that is being written

	ticking atomic.Bool // a tick is on its way
}

// attach gives gnet's loop its part of the subscription table. It runs on that loop, when its first connection opens.
func (s *Server) attach(el gnet.EventLoop) *loop {
	l := &loop{server: s, gnet: el}
	s.mu.Lock()
	l.shared = s.hub.Loops()[len(s.loops)]
	s.loops = append(s.loops, l)
	s.mu.Unlock()
	s.byLoop.Store(el, l)
	l.shared.Attach(l.execute, l.execute)
	if err := newDoorbell(l); err != nil {
		s.log.Error("a loop goes without a doorbell: large fan-outs will hold up its other clients", zap.Error(err))
	}
	return l
}

// text is a response of the loop's own, for use until the next one.
func (l *loop) text(status int, message string) *response {
	l.response.text(status, message)
	return &l.response
}

// execute wakes the loop through gnet.
func (l *loop) execute() {
	_ = l.gnet.Execute(context.Background(), gnet.RunnableFunc(l.drain)) // fails only when the engine has stopped
}

func (l *loop) drain(context.Context) error {
	defer func() {
		if l.server.caught(recover(), "drain", nil) {
			l.execute() // the rest still waits
		}
	}()
	l.shared.Drain()
	return nil
}

// belled is called when the doorbell is in place.
func (l *loop) belled(b *doorbell) {
	l.bell = b
	l.shared.Attach(l.execute, b.ring)
}

// trimTicks is how many ticks lie between two trims.
const trimTicks = int(time.Second / tick)

// Run implements broadcast.Task: the hand of the wheel moves on.
func (l *loop) Run() {
	l.ticking.Store(false)
	if l.wheel.now%trimTicks == 0 {
		l.shared.Trim()
	}
	now := time.Now()
	l.wheel.advance(func(c *conn) (wait time.Duration) {
		defer func() {
			if l.server.caught(recover(), "timer", c) {
				wait = tick
			}
		}()
		return c.look(now)
	})
}

// goingAway is the reason that a shutdown gives.
const goingAway = "Server is going away"

// stop tells every client that the server goes away.
type stop struct{ loop *loop }

// Run implements broadcast.Task.
func (s stop) Run() {
	s.loop.wheel.each(func(c *conn) {
		defer func() { s.loop.server.caught(recover(), "stop", c) }()
		switch c.state {
		case open:
			c.Close(pusher.CloseRestart, goingAway)
		case requests:
			if !c.http.busy && c.http.intake.idle() {
				c.linger()
			}
		}
	})
}
