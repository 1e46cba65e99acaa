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

// Options says whom a fleet's clients connect to, and what for.
type Options struct {
	Servers    []netip.AddrPort // which the connections take in turn
	Sources    Sources
	Upgrade    []byte          // the request that opens a WebSocket
	Compressed bool            // it offers compression, which the answer must accept
	Dialect    dialect.Dialect // the fleet's own

	Connections int   // in this fleet
	Share       Share // which of the run's connections they are
	Layout      Layout
	Streams     delivery.Streams

	Room    dialect.Room // set if the one channel is a presence channel; the fleet's own
	Joiners int          // the last of the connections, which do not subscribe but wait for JoinAndLeave
}

// Fleet is the clients of one process. They live on one thread, which runs from New to Close; its methods may be called
// from anywhere, but not after Close.
type Fleet struct {
	options Options
	poller  *epoll.Poller
	ended   sync.WaitGroup
	failure error // of the poller; set before ended

	live, refused, lost, delivered, sent atomic.Int64 // what the loop last published

	// What follows belongs to the loop.
	conns        []conn
	ramp         ramp
	whispers     whispers
	presence     presence
	churn        churn
	pings        pings
	stalled      bool // nobody reads
	inflater     inflater
	in, out      []byte // scratch
	counts       delivery.Counts
	latency      *latency.Histogram
	refusals     Reasons // of connections that never came to be subscribed
	retries      Reasons // of those that tried again
	losses       Reasons // of those that were
	serverErrors Reasons // what the server said to those that are
	now          struct{ live, refused, lost, sent int64 }
}

// bufferSize is how much is read at once, in bytes.
const bufferSize = 256 << 10

// New starts a fleet with no connection yet.
func New(o Options) (*Fleet, error) {
	poller, err := epoll.New()
	if err != nil {
		return nil, err
	}
	f := &Fleet{
		options: o, poller: poller, in: make([]byte, bufferSize), latency: latency.New(),
		conns:    make([]conn, o.Connections),
		refusals: Reasons{}, retries: Reasons{}, losses: Reasons{}, serverErrors: Reasons{},
	}
	for i := range f.conns {
		f.conns[i] = conn{fleet: f, fd: -1, index: int32(o.Share.Index(i))}
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

// publish lets everybody see how far the fleet is.
func (f *Fleet) publish() {
	f.live.Store(f.now.live)
	f.refused.Store(f.now.refused)
	f.lost.Store(f.now.lost)
	f.sent.Store(f.now.sent)
	f.delivered.Store(f.counts.Delivered)
}

// Progress is how far a fleet is.
type Progress struct {
	Live      int // connections that are subscribed to all of their channels
	Refused   int // connections that did not come so far
	Lost      int // connections that were live and are no longer
	Delivered int // messages received, without duplicates
	Sent      int // whispers sent, or joins and leaves
}

// Progress returns how far the fleet is, as of a moment ago.
func (f *Fleet) Progress() Progress {
	return Progress{
		Live: int(f.live.Load()), Refused: int(f.refused.Load()), Lost: int(f.lost.Load()),
		Delivered: int(f.delivered.Load()), Sent: int(f.sent.Load()),
	}
}

// Outcome is what a fleet has seen.
type Outcome struct {
	Counts       delivery.Counts
	Latency      *latency.Histogram
	Refusals     Reasons // why connections did not come to be subscribed
	Retries      Reasons // why connections had to try again
	Losses       Reasons // why live connections ended
	ServerErrors Reasons // errors that the server sent to live connections
}

// Outcome returns what the fleet has seen since it began.
func (f *Fleet) Outcome() Outcome {
	o := Outcome{Latency: latency.New(), Refusals: Reasons{}, Retries: Reasons{}, Losses: Reasons{}, ServerErrors: Reasons{}}
	f.poller.Call(func() {
		o.Counts = f.counts
		o.Latency.Merge(f.latency)
		o.Refusals.Merge(f.refusals)
		o.Retries.Merge(f.retries)
		o.Losses.Merge(f.losses)
		o.ServerErrors.Merge(f.serverErrors)
	})
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
