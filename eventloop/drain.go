package eventloop

import (
	"math/rand/v2"
	"time"

	"reverbd/broadcast"
	"reverbd/protocol/pusher"
)

const (
	// An HTTP connection may be closed when no request has come on it for so long. One that is in use gets its next response with
	// Connection: close before that, so that its client does not send into a connection that is being closed.
	keepAliveQuiet = time.Second

	// A loop closes at least so many WebSockets a tick, a hundred a second.
	minClosesPerTick = 20

	// reasonGoingAway is the reason in the close frames of a shutdown.
	reasonGoingAway = "Server is going away"
)

// drain closes the connections of one loop at a shutdown. It is loop-owned.
type drain struct {
	loop     *loop
	begin    time.Time
	spread   time.Duration // over which the WebSockets are closed
	keepHTTP time.Duration // before which no HTTP connection is closed

	webSockets []*broadcast.Subscriber // in random order up to closed
	closed     int                     // so many of them have been closed
	running    bool                    // the walks of the last tick have not ended
}

// Run implements broadcast.Task: it begins.
func (d *drain) Run() {
	d.running = true
	d.loop.shared.EachSubscriber(func(s *broadcast.Subscriber) { d.webSockets = append(d.webSockets, s) })
	d.loop.shared.Walk(func() bool { // when all have been found
		d.running, d.loop.drain = false, d
		d.tick(time.Now())
		return false
	})
}

// tick closes what is due.
func (d *drain) tick(now time.Time) {
	if d.running {
		return
	}
	d.running = true
	shared := d.loop.shared
	shared.Walk(d.closeDue)
	if now.Sub(d.begin) >= d.keepHTTP {
		d.loop.http.Walk(shared, d.closeIfQuiet)
	}
	shared.Walk(func() bool {
		d.running = false
		return false
	})
}

// closeDue is a step of the walk over the WebSockets that are due: it closes one of them. Those that have ended by themselves take
// no notice.
func (d *drain) closeDue() (more bool) {
	if d.closed == d.due(time.Now()) {
		return false
	}
	i := d.closed + rand.IntN(len(d.webSockets)-d.closed) // a step of the Fisher-Yates shuffle
	s := d.webSockets[i]
	d.webSockets[i] = d.webSockets[d.closed]
	d.webSockets[d.closed] = nil
	d.closed++
	d.close(s)
	return true
}

func (d *drain) close(s *broadcast.Subscriber) {
	c, _ := s.Conn().(*conn) // nil where it has ended by itself, or a session has wrapped it
	defer func() { d.loop.server.recovered(recover(), "shutdown", c) }()
	s.Close(pusher.CloseRestart, reasonGoingAway)
}

// due is how many WebSockets are to be closed by now.
func (d *drain) due(now time.Time) int {
	n, passed := len(d.webSockets), now.Sub(d.begin)
	if passed >= d.spread {
		return n
	}
	share := int(float64(n) * float64(passed) / float64(d.spread))
	return min(n, max(share, minClosesPerTick*(1+int(passed/tick))))
}

// closeIfQuiet ends an HTTP connection on which no request has begun and none seems to come.
func (d *drain) closeIfQuiet(x *exchange) {
	defer func() { d.loop.server.recovered(recover(), "shutdown", x.conn) }()
	if !x.pending && x.reader.idle() && time.Since(x.waitingSince) >= keepAliveQuiet {
		x.conn.lingeringClose()
	}
}
