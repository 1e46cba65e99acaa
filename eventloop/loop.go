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
	gnet   atomic.Pointer[gnet.EventLoop] // nil until attach
	shared *broadcast.Loop
	bell   *doorbell // nil until it is enrolled
	wheel  wheel
	turned time.Time // when the hand of the wheel moved on

	heads    headReader
	response response
	out      []byte // the response that is being written

	ticking atomic.Bool // a tick is on its way
}

// newLoop makes the loop that will own shared. It is done before anything runs: ring is called from any goroutine.
func (s *Server) newLoop(shared *broadcast.Loop) *loop {
	l := &loop{server: s, shared: shared}
	shared.Attach(l.execute, l.again)
	return l
}

// attach gives gnet's loop its part of the subscription table. It runs on that loop, when its first connection opens.
func (s *Server) attach(el gnet.EventLoop) *loop {
	l := s.loops[s.attached.Add(1)-1]
	l.gnet.Store(&el)
	s.byLoop.Store(el, l)
	l.execute() // what was posted before could not wake anyone
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

// execute wakes the loop through gnet. Safe for concurrent use.
func (l *loop) execute() {
	if el := l.gnet.Load(); el != nil { // nil: attach will do it
		_ = (*el).Execute(context.Background(), gnet.RunnableFunc(l.drain)) // fails only when the engine has stopped
	}
}

// again asks for another turn of the drain once the loop has polled.
func (l *loop) again() {
	if l.bell != nil {
		l.bell.ring()
		return
	}
	l.execute()
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

// trimTicks is how many ticks lie between two trims.
const trimTicks = int(time.Second / tick)

// Run implements broadcast.Task: the hand of the wheel moves on.
func (l *loop) Run() {
	l.ticking.Store(false)
	if l.wheel.now%trimTicks == 0 {
		l.shared.Trim()
	}
	now := time.Now()
	for range l.ticksBy(now) {
		l.wheel.advance(func(c *conn) (wait time.Duration) {
			defer func() {
				if l.server.caught(recover(), "timer", c) {
					wait = tick
				}
			}()
			return c.look(now)
		})
	}
}

// ticksBy returns how many ticks have passed since it was last asked: more than one if the loop was held up, but never more than
// it takes to look at every connection once.
func (l *loop) ticksBy(now time.Time) int {
	if l.turned.IsZero() {
		l.turned = now.Add(-tick)
	}
	n := int(now.Sub(l.turned) / tick)
	l.turned = l.turned.Add(time.Duration(n) * tick)
	return min(n, wheelSlots)
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
