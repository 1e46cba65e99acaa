package eventloop

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"reverbd/protocol/pusher"
)

const (
	drainGrace      = 2 * time.Second         // for clients to leave once they have been told
	loopStopTimeout = 1900 * time.Millisecond // for the loops to end

	// An HTTP connection on which no request has come for so long may be closed. One that is in use gets its next answer with
	// Connection: close before that, so that its client does not send into a connection that is going.
	keepAliveQuiet = time.Second

	// A loop closes at least so many WebSockets a tick, a hundred a second.
	minClosesPerTick = 20
)

// Shutdown stops accepting, tells every client with a close frame that it may come back at once, waits until they have gone, and
// stops the server. The clients of a loop are told in random order, evenly over the given time, since all of them come back at once.
// Requests that have begun are answered. HTTP connections without one are closed, but not for the time of keep: where somebody else
// serves already nobody has to hurry, and one that is used meanwhile is told with its next answer. When ctx is done it stops at once.
func (s *Server) Shutdown(ctx context.Context, over, keep time.Duration) error {
	select {
	case <-s.booted:
	case <-s.ended:
		return nil // Run has said why
	case <-ctx.Done():
		select {
		case <-s.booted:
		default:
			return fmt.Errorf("eventloop: stopped before it was serving: %w", ctx.Err())
		}
	}
	s.stopAcceptors(ctx)
	s.stopping.Store(true)
	begin := time.Now()
	for _, l := range s.loops {
		l.shared.Post(&drain{loop: l, begin: begin, spread: over, keepHTTP: keep})
	}
	s.awaitNoConnections(ctx, max(over, keep)+s.drainGrace)
	s.quitOnce.Do(func() { close(s.quit) })
	select {
	case <-s.ended:
		return nil
	case <-time.After(loopStopTimeout):
		return errors.New("eventloop: the loops do not end")
	}
}

// stopAcceptors returns when what they have taken has come to the loops, of which one may be stuck, or ctx is done.
func (s *Server) stopAcceptors(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		s.acceptors.stop()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// awaitNoConnections returns when no connection is left, or after that time.
func (s *Server) awaitNoConnections(ctx context.Context, within time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for s.Connections() > 0 {
		select {
		case <-ctx.Done():
			return
		case <-poll.C:
		}
	}
}

// drain is what is left to be closed on a loop that shuts down. It is loop-owned.
type drain struct {
	loop     *loop
	begin    time.Time
	spread   time.Duration
	keepHTTP time.Duration

	webSockets []*conn // WebSockets, in the order in which they go
	closed     int     // so many of them have been told
	http       []*conn // HTTP connections
}

// reasonGoingAway is the reason that a shutdown gives.
const reasonGoingAway = "Server is going away"

// Run implements broadcast.Task: it begins.
func (d *drain) Run() {
	d.loop.wheel.forEach(func(c *conn) {
		switch c.state {
		case stateOpen:
			d.webSockets = append(d.webSockets, c)
		case stateHTTP:
			d.http = append(d.http, c)
		}
	})
	rand.Shuffle(len(d.webSockets), func(i, j int) { d.webSockets[i], d.webSockets[j] = d.webSockets[j], d.webSockets[i] })
	d.loop.drain = d
	d.closeDue(time.Now())
}

// closeDue closes what is due. It is called with every tick of the loop's clock.
func (d *drain) closeDue(now time.Time) {
	due := d.due(now)
	for ; d.closed < due; d.closed++ {
		c := d.webSockets[d.closed]
		d.webSockets[d.closed] = nil
		d.guard(c, func() { c.Close(pusher.CloseRestart, reasonGoingAway) }) // nothing, if it has left by itself
	}
	kept := d.http[:0]
	for _, c := range d.http {
		if now.Sub(d.begin) >= d.keepHTTP {
			d.guard(c, func() { c.closeIfQuiet(now) })
		}
		if c.state == stateHTTP {
			kept = append(kept, c)
		}
	}
	clear(d.http[len(kept):])
	d.http = kept
}

// due is how many WebSockets are to be told by now.
func (d *drain) due(now time.Time) int {
	n, passed := len(d.webSockets), now.Sub(d.begin)
	if passed >= d.spread {
		return n
	}
	share := int(float64(n) * float64(passed) / float64(d.spread))
	return min(n, max(share, minClosesPerTick*(1+int(passed/tick))))
}

func (d *drain) guard(c *conn, f func()) {
	defer func() { d.loop.server.recovered(recover(), "shutdown", c) }()
	f()
}

// closeIfQuiet ends an HTTP connection on which nothing has begun and nothing seems to come.
func (c *conn) closeIfQuiet(now time.Time) {
	if c.state == stateHTTP && !c.http.pending && c.http.reader.idle() && now.Sub(c.http.waitingSince) >= keepAliveQuiet {
		c.lingeringClose()
	}
}
