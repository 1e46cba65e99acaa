package bench

import (
	"context"
	"fmt"
	"time"

	"reverbd/bench/internal/proc"
	"reverbd/bench/internal/report"
)

const (
	// warmUp is the divisor of Options.Duration for the phase before the measurement: a server's memory grows with its first
	// connections.
	warmUp = 5
	// churnShare is the fraction of the churning clients that reconnect each second.
	churnShare = 0.1
	// releaseTimeout is how long a server may take to close its descriptors after all clients have disconnected.
	releaseTimeout = 5 * time.Second
)

// soak runs the mix twice, first as a short warm-up. It then reports what the server holds without clients, compared with before.
func (m *measurement) soak(ctx context.Context) error {
	mix := mix{measurement: m}
	if err := mix.execute(ctx, "warming up", m.options.Duration/warmUp); err != nil {
		return err
	}
	m.settle(ctx)
	before, err := m.subject.usage()
	if err != nil {
		return err
	}
	m.before, mix.counts = before, true
	if err := mix.execute(ctx, "soaking", m.options.Duration); err != nil {
		return err
	}
	m.result.Detail("connections that ended and came back", report.Count, float64(mix.churned))
	m.result.Detail("missed by those that came back", report.Fault, float64(mix.missed))
	m.result.Interrupted = ctx.Err() != nil
	if len(m.subject.pids) == 0 {
		return nil
	}
	m.account()
	return m.keeps(ctx, before)
}

// keeps reports descriptors and memory that the server holds without clients, compared with before.
func (m *measurement) keeps(ctx context.Context, before proc.Usage) error {
	var after proc.Usage
	var err error
	limit, cancel := timeLimit(context.WithoutCancel(ctx), releaseTimeout)
	defer cancel()
	m.awaitFor(limit, noTimeout, m.subject.name+": letting go", before.Descriptors, func() (int, bool) {
		after, err = m.subject.usage()
		return after.Descriptors, err != nil || after.Descriptors <= before.Descriptors
	})
	m.settle(ctx)
	if after, err = m.subject.usage(); err != nil {
		return err
	}
	m.result.Process.After = held(after)
	d := &m.result
	d.Detail("descriptors when nobody was connected, before", report.Count, float64(before.Descriptors))
	d.Detail("descriptors when nobody was connected, after", report.Count, float64(after.Descriptors))
	d.Detail("descriptors that did not come back", report.Fault, float64(max(0, after.Descriptors-before.Descriptors)))
	d.Detail("memory when nobody was connected, before", report.Bytes, float64(before.Memory))
	d.Detail("memory when nobody was connected, after", report.Bytes, float64(after.Memory))
	d.Detail("memory after, of before", report.Share, float64(after.Memory)/float64(max(before.Memory, 1)))
	return nil
}

// mix is the parts of a soak: a quarter of the clients in a fan-out, a quarter on small channels, a quarter that whispers, and a
// quarter in the same fan-out that keeps reconnecting.
type mix struct {
	*measurement
	counts  bool // its results are added to the measurement
	churned int
	missed  int
}

// Channels of the parts.
const (
	soakFanout  = "bench-soak-all-"
	soakFew     = "bench-soak-few-"
	soakWhisper = "private-bench-"
)

// execute runs all parts for a time.
func (x *mix) execute(ctx context.Context, what string, d time.Duration) error {
	all, err := x.parts(d)
	defer all.close()
	if err != nil {
		return err
	}
	if err := all.connect(ctx); err != nil || ctx.Err() != nil {
		return err
	}
	if x.connecting, err = x.subject.usage(); err != nil {
		return err
	}
	x.connected = x.connecting
	talkers, churners := all[:3], all[3]
	churners.fleet.Churn(float64(churners.options.Connections) * churnShare)
	stop := x.showProgress(what, all[0])
	err = talkers.send(ctx)
	stop()
	churned := churners.fleet.StopChurn()
	if err != nil {
		return err
	}
	x.await(context.WithoutCancel(ctx), x.subject.name+": coming back", churners.options.Connections, func() (int, bool) {
		p := churners.fleet.Progress()
		return p.Live, p.Live+p.Refused+p.Lost >= churners.options.Connections
	})
	if x.after, err = x.subject.usage(); err != nil {
		return err
	}
	if x.counts {
		x.churned, x.missed = churned, churners.fleet.Missed()
		x.collect(talkers, churners)
	}
	return nil
}

// parts returns the parts. Those with more receivers send fewer messages a second.
func (x *mix) parts(d time.Duration) (all parts, err error) {
	quarter := x.options.Connections / 8 * 2 // even, for pairs
	for _, p := range []struct {
		name, prefix string
		connections  int
		channels     int
		rate         float64
	}{
		{"fanout", soakFanout, quarter, 1, x.options.Rate / 40},
		{"channels", soakFew, quarter, max(quarter/4, 1), x.options.Rate / 2},
		{"whisper", soakWhisper, quarter, quarter / 2, x.options.Rate / 2},
		{"fanout", soakFanout, x.options.Connections - 3*quarter, 1, 0},
	} {
		m, err := x.part(p.name, p.prefix, func(o *Options) {
			o.Connections, o.Channels, o.Rate, o.Duration, o.Events = p.connections, p.channels, p.rate, d, 0
		})
		if err != nil {
			return all, fmt.Errorf("bench: %s: %w", p.name, err)
		}
		all = append(all, m)
	}
	return all, nil
}

// collect adds the results of the parts. What a reconnecting client received does not count as delivered, because it is not known
// what it should have received; but duplicates, reordering and gaps count.
func (x *mix) collect(talkers parts, churners *measurement) {
	for _, part := range talkers {
		x.add(part)
	}
	x.add(churners)
	seen := churners.fleet.Outcome().Counts
	seen.Delivered = 0
	x.result.Messages.Merge(seen)
}
