package client

import (
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"

	"reverbd/bench/internal/delivery"
	"reverbd/bench/internal/dialect"
	"reverbd/bench/internal/epoll"
	"reverbd/bench/internal/latency"
)

// Options are the options of a Fleet.
type Options struct {
	Servers    []netip.AddrPort // used in turn
	Sources    Sources
	Upgrade    []byte          // the request that opens a WebSocket
	Compressed bool            // Upgrade offers compression, and the server must accept it
	Dialect    dialect.Dialect // not shared with another fleet

	Connections int   // in this fleet
	Share       Share // the part of the run's connections
	Layout      Layout
	Streams     delivery.Streams

	Room  dialect.Room // set if the only channel is a presence channel; not shared with another fleet
	Extra Extra        // channels beside those of Layout

	UntilLast bool // measure how long each message takes to its last subscriber; the fleet has all connections of the run

	Joiners int // the last so many of the connections do not subscribe at once but in JoinAndLeave
}

// Fleet is the clients of one process, on one thread that runs from New to Close. Its methods are safe for concurrent use until
// Close.
type Fleet struct {
	options Options
	poller  *epoll.Poller
	ended   sync.WaitGroup
	failure error // of the poller; valid once ended is done

	live, refused, lost, delivered, sent atomic.Int64 // copies for Progress, stored by publish

	// The loop owns what follows.
	conns    []conn
	ramp     ramp
	whispers whispers
	presence presence
	churn    churn
	pings    pings
	last     *untilLast // nil without Options.UntilLast
	stalled  bool       // no connection reads
	inflater inflater
	in, out  []byte // scratch
	outcome  Outcome
	now      struct{ live, refused, lost, sent int64 }
}

// bufferSize is the size of the read buffer, in bytes.
const bufferSize = 256 << 10

// New starts a fleet without connections.
func New(o Options) (*Fleet, error) {
	poller, err := epoll.New()
	if err != nil {
		return nil, err
	}
	f := &Fleet{
		options: o, poller: poller, in: make([]byte, bufferSize), outcome: NewOutcome(),
		conns: make([]conn, o.Connections),
	}
	for i := range f.conns {
		f.conns[i] = conn{fleet: f, fd: -1, index: int32(o.Share.Index(i))}
	}
	if o.UntilLast {
		f.last = newUntilLast(o)
	}
	poller.AfterBatch = f.publish
	f.presence.fleet, f.presence.joiners = f, make([]joiner, o.Joiners)
	if err := f.addTimers(); err != nil {
		poller.Close()
		return nil, err
	}
	f.ended.Go(func() { f.failure = poller.Run() })
	return f, nil
}

func (f *Fleet) addTimers() (err error) {
	if f.ramp.timer, err = f.poller.NewTimer(f.connectMore); err != nil {
		return err
	}
	if f.whispers.timer, err = f.poller.NewTimer(f.whisperDue); err != nil {
		return err
	}
	if f.presence.timer, err = f.poller.NewTimer(f.presence.changeDue); err != nil {
		return err
	}
	if f.churn.timer, err = f.poller.NewTimer(f.churnDue); err != nil {
		return err
	}
	f.pings.timer, err = f.poller.NewTimer(f.pingDue)
	return err
}

// publish makes the loop's counts visible to Progress.
func (f *Fleet) publish() {
	f.live.Store(f.now.live)
	f.refused.Store(f.now.refused)
	f.lost.Store(f.now.lost)
	f.sent.Store(f.now.sent)
	f.delivered.Store(f.outcome.Counts.Delivered)
}

// Progress is the state of a fleet, in counts.
type Progress struct {
	Live      int // connections that are subscribed to all of their channels
	Refused   int // connections that failed before they were live
	Lost      int // connections that were live and have ended
	Delivered int // messages received, without duplicates
	Sent      int // whispers sent, or joins and leaves
}

// Progress returns the counts after the loop's last batch of events.
func (f *Fleet) Progress() Progress {
	return Progress{
		Live: int(f.live.Load()), Refused: int(f.refused.Load()), Lost: int(f.lost.Load()),
		Delivered: int(f.delivered.Load()), Sent: int(f.sent.Load()),
	}
}

// Outcome is what the clients of a fleet received, and what went wrong.
type Outcome struct {
	Counts       delivery.Counts
	Latency      *latency.Histogram
	Refusals     Reasons // why connections failed before they were live
	Retries      Reasons // why connections were tried again
	Losses       Reasons // why live connections ended
	ServerErrors Reasons // errors that the server sent to live connections
}

// NewOutcome returns an empty Outcome, for Merge.
func NewOutcome() Outcome {
	return Outcome{Latency: latency.New(), Refusals: Reasons{}, Retries: Reasons{}, Losses: Reasons{}, ServerErrors: Reasons{}}
}

// Merge adds other to o.
func (o *Outcome) Merge(other Outcome) {
	o.Counts.Merge(other.Counts)
	o.Latency.Merge(other.Latency)
	o.Refusals.Merge(other.Refusals)
	o.Retries.Merge(other.Retries)
	o.Losses.Merge(other.Losses)
	o.ServerErrors.Merge(other.ServerErrors)
}

// Outcome returns a copy of the fleet's outcome since New.
func (f *Fleet) Outcome() Outcome {
	o := NewOutcome()
	f.poller.Call(func() { o.Merge(f.outcome) })
	return o
}

// Close closes all connections and ends the thread.
func (f *Fleet) Close() error {
	f.poller.Do(func() {
		for i := range f.conns {
			f.conns[i].close()
		}
		f.ramp.timer.Close()
		f.whispers.timer.Close()
		f.presence.timer.Close()
		f.churn.timer.Close()
		f.pings.timer.Close()
	})
	f.poller.Stop()
	f.ended.Wait()
	f.poller.Close()
	if f.failure != nil {
		return fmt.Errorf("client: %w", f.failure)
	}
	return nil
}
