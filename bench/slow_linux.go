package bench

import (
	"context"
	"fmt"
	"time"

	"reverbd/bench/internal/report"
)

// closeTimeout is how long a client that reads again waits for its close frame before it counts as still connected.
const closeTimeout = 3 * time.Second

// slow publishes to all clients in two phases: while all read, and while some have stopped reading. It reports which of these the
// server has disconnected, and how the latency of the others changed.
func (m *measurement) slow(ctx context.Context) (err error) {
	if m.before, err = m.subject.usage(); err != nil {
		return err
	}
	all, peak, err := m.phase(ctx, false)
	if err != nil || ctx.Err() != nil {
		m.result.Interrupted = ctx.Err() != nil
		return err
	}
	m.result.Timing("latency, all read", all.Histogram)
	if len(m.subject.pids) > 0 {
		m.result.Detail("memory at its peak, all read", report.Bytes, peak)
	}
	some, peak, err := m.phase(ctx, true)
	if err != nil {
		return err
	}
	m.result.Timing(fmt.Sprintf("latency, %d stopped reading", m.options.Slow), some.Histogram)
	m.result.Detail("p50, to when all read", report.Times, ratio(some.Latency.P50, all.Latency.P50))
	m.result.Detail("p99, to when all read", report.Times, ratio(some.Latency.P99, all.Latency.P99))
	m.result.Interrupted = ctx.Err() != nil
	if len(m.subject.pids) > 0 {
		m.result.Detail(fmt.Sprintf("memory at its peak, %d stopped reading", m.options.Slow), report.Bytes, peak)
		m.accountLast(some)
	}
	return nil
}

// phase publishes for half of Options.Duration. It returns the messages of the clients that read, and the peak of the server's memory.
func (m *measurement) phase(ctx context.Context, stop bool) (seen *report.Messages, peak float64, err error) {
	half := func(o *Options) { o.Slow, o.Duration, o.Events = 0, m.options.Duration/2, 0 }
	readers, err := m.part("fanout", "bench-", half)
	if err != nil {
		return nil, 0, err
	}
	defer readers.close()
	slow, err := m.part("fanout", "bench-", func(o *Options) { half(o); o.Connections = m.options.Slow })
	if err != nil {
		return nil, 0, err
	}
	defer slow.close()
	what := "all read"
	if err := (parts{readers, slow}).connect(ctx); err != nil {
		return nil, 0, err
	}
	if stop {
		what = "some have stopped reading"
		slow.fleet.Stall()
	}
	if m.connecting, err = m.subject.usage(); err != nil {
		return nil, 0, err
	}
	m.connected = m.connecting
	samples := m.sample()
	told := m.showProgress(what, readers)
	err = readers.send(ctx)
	told()
	for _, s := range samples() {
		peak = max(peak, float64(s.Memory))
	}
	if err != nil {
		return nil, 0, err
	}
	if m.after, err = m.subject.usage(); err != nil {
		return nil, 0, err
	}
	if stop {
		m.resume(ctx, slow)
	} else {
		m.add(slow)
	}
	m.add(readers)
	return readers.result.Messages, peak, nil
}

// resume makes the slow clients read again, and counts those that the server has disconnected.
func (m *measurement) resume(ctx context.Context, slow *measurement) {
	slow.fleet.Resume()
	m.awaitFor(context.WithoutCancel(ctx), closeTimeout, m.subject.name+": reading again", m.options.Slow, func() (int, bool) {
		p := slow.fleet.Progress()
		return p.Delivered + p.Lost, p.Lost == m.options.Slow
	})
	cut := slow.fleet.Progress().Lost
	m.result.Detail("cut off", report.Count, float64(cut))
	m.result.Detail("not cut off", report.Count, float64(m.options.Slow-cut))
	for why, n := range slow.fleet.Outcome().Losses {
		m.result.Connections.Reasons["(had stopped reading) "+why] += n
	}
}
