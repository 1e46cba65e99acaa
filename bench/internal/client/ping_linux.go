package client

import (
	"reverbd/bench/internal/clock"
	"reverbd/bench/internal/dialect"
	"reverbd/bench/internal/epoll"
	"reverbd/bench/internal/latency"
	"reverbd/protocol/pusher"
	"reverbd/protocol/ws"
)

// pings sends a pusher:ping on the connections in turn. A server answers those of one connection in order.
type pings struct {
	timer    *epoll.Timer
	schedule latency.Schedule
	on       bool
	result   Pings
	open     [][]int64 // for each connection, when its unanswered pings were due
}

// Pings is the result of Ping.
type Pings struct {
	Asked, Answered int
	Latency         *latency.Histogram // from when a ping was due to its pong
}

// ping is the frame of a pusher:ping.
var ping = dialect.AppendFrame(nil, ws.OpText, pusher.AppendPing(nil))

// Ping sends perSecond pings a second, on the connections in turn, until StopPings. It resets the result.
func (f *Fleet) Ping(perSecond float64) {
	f.poller.Call(func() {
		p := &f.pings
		p.schedule, p.on = latency.NewSchedule(clock.Now(), perSecond), true
		p.result, p.open = Pings{Latency: latency.New()}, make([][]int64, len(f.conns))
		f.pingDue()
	})
}

// StopPings stops Ping.
func (f *Fleet) StopPings() { f.poller.Call(func() { f.pings.on = false }) }

// Pings returns the result so far.
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

// pongReceived records a pusher:pong.
func (c *conn) pongReceived(now int64) {
	p := &c.fleet.pings
	i := int(c.index) // pings are sent from one process only
	if i >= len(p.open) || len(p.open[i]) == 0 {
		return // an unexpected pong
	}
	p.result.Latency.Record(now - p.open[i][0])
	p.open[i] = p.open[i][1:]
	p.result.Answered++
}
