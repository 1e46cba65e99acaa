package eventloop

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	drainGrace      = 2 * time.Second         // for clients to disconnect once they have been told
	loopStopTimeout = 1900 * time.Millisecond // for the loops to end
)

// Shutdown stops accepting, tells every client with a close frame that it may come back at once, waits until they have
// disconnected, and stops the server. The clients of a loop are told in random order, evenly over the time of spread, since all of
// them come back at once. Requests that have begun are answered. HTTP connections without one are closed, but not before the time
// of keepHTTP: where another process serves already there is no hurry, and a connection that is used meanwhile ends with its next
// response. When ctx is done the server stops at once.
func (s *Server) Shutdown(ctx context.Context, spread, keepHTTP time.Duration) error {
	select {
	case <-s.booted:
	case <-s.ended:
		return nil // Run has returned the reason
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
		l.shared.Post(&drain{loop: l, begin: begin, spread: spread, keepHTTP: keepHTTP})
	}
	s.awaitNoConnections(ctx, max(spread, keepHTTP)+s.drainGrace)
	s.quitOnce.Do(func() { close(s.quit) })
	select {
	case <-s.ended:
		return nil
	case <-time.After(loopStopTimeout):
		return errors.New("eventloop: the loops do not end")
	}
}

// stopAcceptors returns when the accepted connections have come to their loops, one of which may be stuck, or when ctx is done.
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
func (s *Server) awaitNoConnections(ctx context.Context, timeout time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
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
