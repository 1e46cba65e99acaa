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
	leaveTime = 2 * time.Second         // for clients to leave once they have been told
	stopTime  = 1900 * time.Millisecond // for the loops to end

	// An HTTP connection on which no request has come for so long may be closed. One that is in use gets its next answer with
	// Connection: close before that, so that its client does not send into a connection that is going.
	quietTime = time.Second

	// A loop closes at least so many WebSockets a tick, a hundred a second: a few clients are no crowd.
	leastAtOnce = 20
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
		l.shared.Post(&departure{loop: l, begin: begin, over: over, keep: keep})
	}
	s.awaitEmpty(ctx, max(over, keep)+s.leaveTime)
	s.quitOnce.Do(func() { close(s.quit) })
	select {
	case <-s.ended:
		return nil
	case <-time.After(stopTime):
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

// awaitEmpty returns when no connection is left, or after that time.
func (s *Server) awaitEmpty(ctx context.Context, within time.Duration) {
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

// departure is what is left to be closed on a loop that shuts down. It is loop-owned.
type departure struct {
	loop  *loop
	begin time.Time
	over  time.Duration
	keep  time.Duration

	sockets []*conn // WebSockets, in the order in which they go
	gone    int     // so many of them have been told
	others  []*conn // HTTP connections
}

// goingAway is the reason that a shutdown gives.
const goingAway = "Server is going away"

// Run implements broadcast.Task: it begins.
func (d *departure) Run() {
	d.loop.wheel.each(func(c *conn) {
		switch c.state {
		case open:
			d.sockets = append(d.sockets, c)
		case requests:
			d.others = append(d.others, c)
		}
	})
	rand.Shuffle(len(d.sockets), func(i, j int) { d.sockets[i], d.sockets[j] = d.sockets[j], d.sockets[i] })
	d.loop.departure = d
	d.proceed(time.Now())
}

// proceed closes what is due. It is called with every tick of the loop's clock.
func (d *departure) proceed(now time.Time) {
	due := d.due(now)
	for ; d.gone < due; d.gone++ {
		c := d.sockets[d.gone]
		d.sockets[d.gone] = nil
		d.guarded(c, func() { c.Close(pusher.CloseRestart, goingAway) }) // nothing, if it has left by itself
	}
	kept := d.others[:0]
	for _, c := range d.others {
		if now.Sub(d.begin) >= d.keep {
			d.guarded(c, func() { c.leaveQuietly(now) })
		}
		if c.state == requests {
			kept = append(kept, c)
		}
	}
	clear(d.others[len(kept):])
	d.others = kept
}

// due is how many WebSockets are to be told by now.
func (d *departure) due(now time.Time) int {
	n, passed := len(d.sockets), now.Sub(d.begin)
	if passed >= d.over {
		return n
	}
	share := int(float64(n) * float64(passed) / float64(d.over))
	return min(n, max(share, leastAtOnce*(1+int(passed/tick))))
}

func (d *departure) guarded(c *conn, f func()) {
	defer func() { d.loop.server.caught(recover(), "shutdown", c) }()
	f()
}

// leaveQuietly ends an HTTP connection on which nothing has begun and nothing seems to come.
func (c *conn) leaveQuietly(now time.Time) {
	if c.state == requests && !c.http.busy && c.http.intake.idle() && now.Sub(c.http.since) >= quietTime {
		c.linger()
	}
}
