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
	server *Server
	gnet   atomic.Pointer[gnet.EventLoop] // nil until attach
	shared *broadcast.Loop
	bell   *doorbell
	wheel  wheel
	turned time.Time // when the hand of the wheel moved on

	quick    quickReader
	heads    headReader
	response response
	out      []byte // the answer that is being written
	plain    []byte // what has been read of a TLS connection
	cipher   []byte // what is being written to one

	ticking   atomic.Bool  // a tick is on its way
	beat      atomic.Int64 // when the last one came, in Unix nanoseconds
	departure *departure   // what is to be closed; nil before a shutdown
	members   atomic.Int64 // connections, also those that are on their way here
}

// newLoop makes the loop that will own shared. It is done before anything runs: ring is called from any goroutine.
func (s *Server) newLoop(shared *broadcast.Loop) *loop {
	l := &loop{server: s, shared: shared}
	shared.Attach(l.execute, l.again)
	return l
}

// attach finds out which of gnet's loops is l, and has it woken for what was posted before.
func (l *loop) attach(engine *gnet.Client) error {
	l.beat.Store(time.Now().UnixNano())
	bell, err := newDoorbell(l, engine)
	if err != nil {
		return err
	}
	l.bell = bell
	l.gnet.Store(&bell.gnet)
	l.execute()
	return nil
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
func (l *loop) again() { l.bell.ring() }

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
	l.beat.Store(now.UnixNano())
	if l.departure != nil {
		l.departure.proceed(now)
	}
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
