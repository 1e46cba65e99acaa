package client

import (
	"reverbd/bench/internal/clock"
	"reverbd/bench/internal/dialect"
	"reverbd/bench/internal/epoll"
	"reverbd/bench/internal/latency"
	"reverbd/protocol/pusher"
	"reverbd/protocol/ws"
)

// pings is the questions that a fleet's connections ask in turn. A server answers each connection's in their order.
type pings struct {
	timer    *epoll.Timer
	schedule latency.Schedule
	on       bool
	result   Pings
	open     [][]int64 // when those of each connection were due that have no answer yet
}

// Pings is how a fleet's questions were answered.
type Pings struct {
	Asked, Answered int
	Latency         *latency.Histogram // from when a question was due to its answer
}

// ping asks whether the server is there.
var ping = dialect.AppendFrame(nil, ws.OpText, pusher.AppendPing(nil))

// Ping has the connections ask in turn, perSecond times a second all together, until StopPings. It begins a new count.
func (f *Fleet) Ping(perSecond float64) {
	f.poller.Call(func() {
		p := &f.pings
		p.schedule, p.on = latency.NewSchedule(clock.Now(), perSecond), true
		p.result, p.open = Pings{Latency: latency.New()}, make([][]int64, len(f.conns))
		f.pingDue()
	})
}

// StopPings lets no connection ask any more.
func (f *Fleet) StopPings() { f.poller.Call(func() { f.pings.on = false }) }

// Pings returns what has been answered up to now.
func (f *Fleet) Pings() (p Pings) {
	p.Latency = latency.New()
	f.poller.Call(func() {
		p.Asked, p.Answered = f.pings.result.Asked, f.pings.result.Answered
		p.Latency.Merge(f.pings.result.Latency)
	})
	return p
}

func (f *Fleet) pingDue() {
	p := &f.pings
	for p.on && len(f.conns) > 0 {
		due := p.schedule.Due(p.result.Asked)
		if due > clock.Now() {
			p.timer.Set(due)
			return
		}
		i := p.result.Asked % len(f.conns)
		p.result.Asked++
		if c := &f.conns[i]; c.state == live {
			p.open[i] = append(p.open[i], due)
			c.write(ping)
		}
	}
}

// pongReceived is told of an answer.
func (c *conn) pongReceived(now int64) {
	p := &c.fleet.pings
	i := int(c.index) // nobody pings from several processes
	if i >= len(p.open) || len(p.open[i]) == 0 {
		return // an answer to nothing
	}
	p.result.Latency.Record(now - p.open[i][0])
	p.open[i] = p.open[i][1:]
	p.result.Answered++
}
