package bench

import (
	"context"
	"fmt"
	"time"

	"reverbd/bench/internal/client"
	"reverbd/bench/internal/report"
)

const (
	probeConnections = 4    // connections that send pings: enough to be on all threads of a server
	probeRate        = 200. // pings a second in all
	smallFanout      = 10   // a fan-out to all clients is compared with one to a tenth
	idleShare        = 5    // pings without a fan-out take a fifth of Options.Duration
)

// ping measures how long a continuous fan-out delays another connection. Pings are sent without other load, during a fan-out to a
// tenth of the clients, and during a fan-out to all.
func (m *measurement) ping(ctx context.Context) error {
	probe, err := m.part("connect", "bench-probe-", func(o *Options) { o.Connections, o.Channels, o.Rate = probeConnections, probeConnections, 0 })
	if err != nil {
		return err
	}
	defer probe.close()
	if m.before, err = m.subject.usage(); err != nil {
		return err
	}
	if err := probe.connect(ctx); err != nil {
		return err
	}
	var runs []client.Pings
	var last *report.Messages
	for _, subscribers := range []int{0, m.options.Connections / smallFanout, m.options.Connections} {
		if ctx.Err() != nil {
			break
		}
		pings, sent, err := m.probe(ctx, probe, subscribers)
		if err != nil {
			return err
		}
		m.result.Detail(fmt.Sprintf("pings without an answer, %d subscribers", subscribers), report.Fault, float64(pings.Asked-pings.Answered))
		m.result.Timing(fmt.Sprintf("ping, %d subscribers", subscribers), pings.Latency)
		runs, last = append(runs, pings), sent
	}
	m.add(probe)
	m.result.Interrupted = ctx.Err() != nil
	if len(runs) == 3 {
		few, all := runs[1].Latency.Summary(), runs[2].Latency.Summary()
		m.result.Detail("ping p50, all to a tenth", report.Times, ratio(all.P50, few.P50))
		m.result.Detail("ping p99, all to a tenth", report.Times, ratio(all.P99, few.P99))
	}
	if len(m.subject.pids) > 0 && last != nil {
		m.accountLast(last)
	}
	return nil
}

// probe sends pings during a fan-out (none if subscribers is 0), and returns the result of the pings and of the fan-out.
func (m *measurement) probe(ctx context.Context, probe *measurement, subscribers int) (p client.Pings, sent *report.Messages, err error) {
	var fan parts
	defer func() { fan.close() }()
	if subscribers > 0 {
		part, err := m.part("fanout", "bench-", func(o *Options) { o.Connections, o.Events = subscribers, 0 })
		if err != nil {
			return p, nil, err
		}
		fan = parts{part}
		if err := fan.connect(ctx); err != nil {
			return p, nil, err
		}
	}
	if m.connecting, err = m.subject.usage(); err != nil {
		return p, nil, err
	}
	m.connected = m.connecting
	probe.fleet.Ping(probeRate)
	if subscribers == 0 {
		m.pass(ctx, "pings alone", m.options.Duration/idleShare)
	} else {
		stop := m.showProgress(fmt.Sprintf("pings beside a fan-out to %d", subscribers), fan[0])
		err = fan.send(ctx)
		stop()
	}
	probe.fleet.StopPings()
	if err != nil {
		return p, nil, err
	}
	m.await(context.WithoutCancel(ctx), m.subject.name+": pongs", 0, func() (int, bool) {
		p := probe.fleet.Pings()
		return p.Answered, p.Answered == p.Asked
	})
	if m.after, err = m.subject.usage(); err != nil {
		return p, nil, err
	}
	for _, part := range fan {
		m.add(part)
		sent = part.result.Messages
	}
	return probe.fleet.Pings(), sent, nil
}

// pass waits for a time.
func (m *measurement) pass(ctx context.Context, what string, d time.Duration) {
	limit, cancel := timeLimit(ctx, d)
	defer cancel()
	m.awaitFor(limit, noTimeout, m.subject.name+": "+what, 0, func() (int, bool) { return 0, false })
}

func ratio(a, b int64) float64 { return float64(a) / float64(max(b, 1)) }
