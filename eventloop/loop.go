package eventloop

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/panjf2000/gnet/v2"

	"reverbd/broadcast"
)

// loop is what one event loop owns on this side; broadcast.Loop is the rest of it.
type loop struct {
	server    *Server
	gnet      atomic.Pointer[gnet.EventLoop] // nil until attach
	shared    *broadcast.Loop
	waker     *waker
	wheel     timerWheel
	wheelTime time.Time // up to when the wheel has advanced

	fastPath fastPathParser
	heads    headReader
	response response
	out      []byte // the answer that is being written
	plain    []byte // what has been read of a TLS connection
	cipher   []byte // what is being written to one

	ticking     atomic.Bool  // a tick is on its way
	lastTick    atomic.Int64 // when the last one came, in Unix nanoseconds
	drain       *drain       // what is to be closed; nil before a shutdown
	connections atomic.Int64 // connections, also those that are on their way here
}

// newLoop makes the loop that will own shared. It is done before anything runs: wake is called from any goroutine.
func (s *Server) newLoop(shared *broadcast.Loop) *loop {
	l := &loop{server: s, shared: shared}
	shared.Attach(l.wake, l.reschedule)
	return l
}

// attach finds out which of gnet's loops is l, and has it woken for what was posted before.
func (l *loop) attach(engine *gnet.Client) error {
	l.lastTick.Store(time.Now().UnixNano())
	waker, err := newWaker(l, engine)
	if err != nil {
		return err
	}
	l.waker = waker
	l.gnet.Store(&waker.gnet)
	l.wake()
	return nil
}

// text is a response of the loop's own, for use until the next one.
func (l *loop) text(status int, message string) *response {
	l.response.text(status, message)
	return &l.response
}

// wake wakes the loop through gnet. Safe for concurrent use.
func (l *loop) wake() {
	if el := l.gnet.Load(); el != nil { // nil: attach will do it
		_ = (*el).Execute(context.Background(), gnet.RunnableFunc(l.runMailbox)) // fails only when the engine has stopped
	}
}

// reschedule asks for another turn of the drain once the loop has polled.
func (l *loop) reschedule() { l.waker.wake() }

func (l *loop) runMailbox(context.Context) error {
	defer func() {
		if l.server.recovered(recover(), "drain", nil) {
			l.wake() // the rest still waits
		}
	}()
	l.shared.Drain()
	return nil
}

// trimTicks is how many ticks lie between two trims.
const trimTicks = int(time.Second / tick)

// Run implements broadcast.Task: the wheel advances by the ticks that have passed.
func (l *loop) Run() {
	l.ticking.Store(false)
	if l.wheel.current%trimTicks == 0 {
		l.shared.Trim()
	}
	now := time.Now()
	l.lastTick.Store(now.UnixNano())
	if l.drain != nil {
		l.drain.closeDue(now)
	}
	for range l.ticksBy(now) {
		l.wheel.advance(func(c *conn) (wait time.Duration) {
			defer func() {
				if l.server.recovered(recover(), "timer", c) {
					wait = tick
				}
			}()
			return c.timerFired(now)
		})
	}
}

// ticksBy returns how many ticks have passed since it was last asked: more than one if the loop was held up, but never more than
// it takes to look at every connection once.
func (l *loop) ticksBy(now time.Time) int {
	if l.wheelTime.IsZero() {
		l.wheelTime = now.Add(-tick)
	}
	n := int(now.Sub(l.wheelTime) / tick)
	l.wheelTime = l.wheelTime.Add(time.Duration(n) * tick)
	return min(n, wheelSlots)
}
