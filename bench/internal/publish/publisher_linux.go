package publish

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"reverbd/bench/internal/clock"
	"reverbd/bench/internal/epoll"
	"reverbd/bench/internal/latency"
)

// Publisher is one run's publishers.
type Publisher struct {
	options Options
	poller  *epoll.Poller
	timer   *epoll.Timer
	conns   []*conn
	begun   int // requests
	limit   int // requests
	start   int64
	end     int64 // no request is due from then on
	sched   latency.Schedule
	buffer  []byte // scratch: what is read
	outcome Outcome
	busy    int // connections that wait for an answer

	failures int // requests in a row

	accepted atomic.Int64 // events, for those who watch
}

// bufferSize is the longest answer that is expected in one piece, in bytes.
const bufferSize = 64 << 10

// maxFailures is how many requests in a row may fail before the rest is not even tried.
const maxFailures = 100

// New returns publishers that Run sets going.
func New(o Options) (*Publisher, error) {
	if o.Events == 0 && o.Duration == 0 {
		return nil, errEndless
	}
	poller, err := epoll.New()
	if err != nil {
		return nil, err
	}
	p := &Publisher{
		options: o, poller: poller, buffer: make([]byte, bufferSize), limit: math.MaxInt,
		outcome: Outcome{
			Accepted: make([]uint32, o.Channels*o.Streams.PerChannel), Reasons: map[string]int{}, Latency: latency.New(),
		},
	}
	if o.Events > 0 {
		p.limit = (o.Events + o.Batch - 1) / o.Batch
	}
	if p.timer, err = poller.NewTimer(p.next); err != nil {
		poller.Close()
		return nil, err
	}
	for i := range o.Publishers {
		p.conns = append(p.conns, &conn{publisher: p, number: i, fd: -1})
	}
	return p, nil
}

// Accepted returns how many events the server has answered 200 for. It may be called at any time, from anywhere.
func (p *Publisher) Accepted() int { return int(p.accepted.Load()) }

// patience is how long an answer is awaited once Run's context is done.
const patience = 5 * time.Second

// Run publishes until that is done, and returns what was published. When ctx is done no further request begins. It can be
// called once.
func (p *Publisher) Run(ctx context.Context) (Outcome, error) {
	defer p.close()
	stopped := context.AfterFunc(ctx, func() {
		p.poller.Do(p.finish)
		time.AfterFunc(patience, p.poller.Stop)
	})
	defer stopped()
	p.begin()
	if err := p.poller.Run(); err != nil {
		return p.outcome, fmt.Errorf("publish: %w", err)
	}
	for _, c := range p.conns {
		c.abandon("the run ended before the answer came")
	}
	p.outcome.Took = time.Duration(clock.Now() - p.start)
	return p.outcome, nil
}

// finish lets no request begin any more.
func (p *Publisher) finish() {
	p.limit, p.end = 0, 0
	p.next()
}

func (p *Publisher) begin() {
	p.start, p.end = clock.Now(), math.MaxInt64
	if p.options.Duration > 0 {
		p.end = p.start + int64(p.options.Duration)
	}
	if p.options.Rate > 0 {
		p.sched = latency.NewSchedule(p.start, p.options.Rate/float64(p.options.Batch))
	}
	p.next()
}

// next has every connection that is free begin what is due, and ends the run when there is nothing left to do.
func (p *Publisher) next() {
	if p.failures > maxFailures {
		p.poller.Stop()
		return
	}
	more := false
	if p.options.Rate > 0 {
		more = p.nextDue()
	} else {
		p.nextAtOnce()
	}
	if p.busy == 0 && !more {
		p.poller.Stop()
	}
}

// nextAtOnce sends back to back.
func (p *Publisher) nextAtOnce() {
	for _, c := range p.conns {
		if now := clock.Now(); c.free() && p.begun < p.limit && now < p.end {
			p.begun++
			c.send(now)
		}
	}
}

// nextDue sends at a rate, and reports whether something is yet to become due on a connection that is free. Request r is
// that of connection r modulo their number, so that each channel stays with one connection; one whose answer is late sends
// what has become due meanwhile afterwards, without a pause.
func (p *Publisher) nextDue() (more bool) {
	earliest := int64(math.MaxInt64)
	for _, c := range p.conns {
		if !c.free() {
			continue
		}
		request := c.begun*len(p.conns) + c.number
		due := p.sched.Due(request)
		switch {
		case request >= p.limit || due >= p.end: // nothing more for this one
		case due <= clock.Now():
			p.begun++
			c.send(due)
		default:
			earliest = min(earliest, due)
		}
	}
	if earliest == math.MaxInt64 {
		return false
	}
	p.timer.Set(earliest)
	return true
}

func (p *Publisher) close() {
	for _, c := range p.conns {
		c.close()
	}
	p.timer.Close()
	p.poller.Close()
}
