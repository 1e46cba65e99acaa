package bench

import (
	"context"
	"time"

	"reverbd/bench/internal/clock"
	"reverbd/bench/internal/report"
)

// idle has all clients ping the server, evenly spread over Options.PingInterval, and measures what that and holding the connections
// costs the server.
func (m *measurement) idle(ctx context.Context) (err error) {
	o := m.options
	begun := clock.Now()
	m.fleet.Ping(float64(o.Connections) / o.PingInterval.Seconds())
	limit, cancel := context.WithTimeout(ctx, o.Duration)
	m.awaitFor(limit, noTimeout, m.subject.name+": idling", 0, func() (int, bool) { return m.fleet.Pings().Answered, false })
	cancel()
	m.fleet.StopPings()
	if m.after, err = m.subject.usage(); err != nil {
		return err
	}
	took := time.Duration(clock.Now() - begun).Seconds()
	m.await(ctx, m.subject.name+": receiving pongs", 0, func() (int, bool) {
		p := m.fleet.Pings()
		return p.Answered, p.Answered == p.Asked
	})
	p := m.fleet.Pings()
	m.result.Timing("ping", p.Latency)
	if live := m.fleet.Progress().Live; len(m.subject.pids) > 0 && live > 0 {
		used := micros(m.after.Since(m.connected).CPU)
		m.result.Detail("CPU per connection and second", report.Microseconds, used/float64(live)/took)
	}
	m.result.Detail("pings", report.Count, float64(p.Asked))
	m.result.Detail("pings without an answer", report.Fault, float64(p.Asked-p.Answered))
	return nil
}
