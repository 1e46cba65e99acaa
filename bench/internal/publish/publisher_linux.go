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

// Publisher is the publishers of one run.
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

// bufferSize is the size of the read buffer, in bytes: a usual answer fits.
const bufferSize = 64 << 10

// maxFailures is how many requests in a row may fail before Run gives up.
const maxFailures = 100

// New returns publishers, which Run starts.
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

// Accepted returns how many events the server has answered with 200. It is safe for concurrent use.
func (p *Publisher) Accepted() int { return int(p.accepted.Load()) }

// answerTimeout is how long Run waits for an answer once its context is done.
const answerTimeout = 5 * time.Second

// Run publishes, and returns the outcome. When ctx is done it begins no more requests. It may be called once.
func (p *Publisher) Run(ctx context.Context) (Outcome, error) {
	defer p.close()
	stopped := context.AfterFunc(ctx, func() {
		p.poller.Do(p.finish)
		time.AfterFunc(answerTimeout, p.poller.Stop)
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

// finish stops new requests.
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

// next begins the requests that are due on the free connections, and ends the run when none is left.
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

// nextAtOnce begins a request on every free connection: there is no rate.
func (p *Publisher) nextAtOnce() {
	for _, c := range p.conns {
		if now := clock.Now(); c.free() && p.begun < p.limit && now < p.end {
			p.begun++
			c.send(now)
		}
	}
}

// nextDue begins the requests that are due at the rate, and reports whether one will become due on a free connection. Request r
// belongs to connection r modulo their number, so that each channel stays with one connection. A connection whose answer is late
// then sends what became due meanwhile without a pause.
func (p *Publisher) nextDue() (more bool) {
	earliest := int64(math.MaxInt64)
	for _, c := range p.conns {
		if !c.free() {
			continue
		}
		request := c.begun*len(p.conns) + c.number
		due := p.sched.Due(request)
		switch {
		case request >= p.limit || due >= p.end: // no more requests on this connection
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
