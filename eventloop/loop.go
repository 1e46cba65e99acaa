package eventloop

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/panjf2000/gnet/v2"

	"reverbd/broadcast"
)

// loop is what one event loop owns in this package; its part of the subscription table is in broadcast.Loop. Fields that are not
// atomic are loop-owned once the loop runs.
type loop struct {
	server *Server
	gnet   atomic.Pointer[gnet.EventLoop] // nil until attach
	shared *broadcast.Loop
	waker  *waker

	http      broadcast.Set[*exchange] // connections that speak HTTP
	wheel     timerWheel               // the timers of all connections
	wheelTime time.Time                // up to when ticksBy has counted
	ticksDue  int                      // ticks by which the wheel is behind
	firing    bool                     // a walk fires the timers of those ticks
	drain     *drain                   // the shutdown of this loop; nil before it

	epoll int              // descriptor of gnet's epoll; -1: not known
	turn  turn             // of the connection that is being read
	held  map[*conn][]byte // what has arrived on connections beyond their turns

	backlog     map[*conn]struct{} // connections whose output waits for the socket, and some for which none does any longer
	backlogPeak int
	waiting     atomic.Int64 // bytes that wait on connections, as of the last tick

	fastPath fastPathParser
	heads    headReader
	response response
	out      []byte // the response that is being written
	plain    []byte // plaintext that has been read from a TLS connection
	cipher   []byte // ciphertext that is being written to one

	ticking     atomic.Bool  // a tick waits in the mailbox
	lastTick    atomic.Int64 // when the last tick ran, in nanoseconds since Server.created: the clock of the system may be set
	connections atomic.Int64 // also those that are on their way to the loop
}

// newLoop makes the loop that will own shared. It is called before anything runs, since wake may be called from any goroutine.
func (s *Server) newLoop(shared *broadcast.Loop) *loop {
	l := &loop{server: s, shared: shared}
	shared.Attach(l.wake, l.reschedule)
	return l
}

// attach finds out which of gnet's loops is l, and wakes it for what was posted before.
func (l *loop) attach(engine *gnet.Client) error {
	l.lastTick.Store(int64(time.Since(l.server.created)))
	waker, err := newWaker(l, engine)
	if err != nil {
		return err
	}
	l.waker, l.epoll = waker, epollOf(waker.gnet)
	l.gnet.Store(&waker.gnet)
	l.wake()
	return nil
}

// textResponse is a response in a buffer of the loop, valid until the next one.
func (l *loop) textResponse(status int, message string) *response {
	l.response.text(status, message)
	return &l.response
}

// wake has gnet run the mailbox. Safe for concurrent use.
func (l *loop) wake() {
	if el := l.gnet.Load(); el != nil { // nil: attach does it
		_ = (*el).Execute(context.Background(), gnet.RunnableFunc(l.runMailbox)) // fails only when the engine has stopped
	}
}

// reschedule has the mailbox run once more when the loop has polled.
func (l *loop) reschedule() { l.waker.wake() }

func (l *loop) runMailbox(context.Context) error {
	began := l.shared.BeginTurn()
	defer func() {
		l.shared.EndTurn(began)
		if l.server.recovered(recover(), "drain", nil) {
			l.wake() // the rest still waits
		}
	}()
	l.shared.Drain()
	return nil
}
