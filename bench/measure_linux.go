package bench

import (
	"context"
	"fmt"
	"time"

	"reverbd/bench/internal/client"
	"reverbd/bench/internal/clock"
	"reverbd/bench/internal/proc"
	"reverbd/bench/internal/report"
	"reverbd/bench/internal/workers"
)

// measurement is one scenario against one subject.
type measurement struct {
	*run
	subject *subject
	fleet   *workers.Pool
	result  report.Measurement

	before, connecting, connected, after proc.Usage
}

// measure runs the scenario against the subject: it connects the clients, sends the messages, and returns the measurement.
func (r *run) measure(ctx context.Context, s *subject) (report.Measurement, error) {
	m := &measurement{run: r, subject: s}
	if r.scenario.whole {
		samples := m.sample()
		err := m.whole(ctx)
		m.result.Samples = samples()
		return m.result, err
	}
	fleet, err := r.clients(s)
	if err != nil {
		return m.result, err
	}
	m.fleet = fleet
	samples := m.sample()
	err = m.execute(ctx)
	m.result.Samples = samples()
	m.close()
	return m.result, err
}

// fleetOptions returns the options of a fleet with all clients of the run.
func (r *run) fleetOptions(s *subject) client.Options {
	return client.Options{
		Servers: s.addresses, Sources: client.NewSources(s.addresses[0].Addr(), r.options.Sources),
		Upgrade: s.upgrade, Compressed: s.compress, Dialect: s.dialect(),
		Connections: r.total(), Joiners: r.options.Joiners, Room: r.room(s),
		Layout: r.scenario.layout(r.options), Streams: r.scenario.streams(r.options),
		UntilLast: r.scenario.untilLast && r.options.Processes <= 1, // a process sees only its own subscribers
		Extra:     client.NewExtra(r.target, r.options.Private, r.options.RoomSize),
	}
}

// whole runs a scenario that consists of others.
func (m *measurement) whole(ctx context.Context) error {
	switch m.scenario.Name {
	case "ping":
		return m.ping(ctx)
	case "slow":
		return m.slow(ctx)
	}
	return m.soak(ctx)
}

func (m *measurement) execute(ctx context.Context) error {
	if err := m.connect(ctx); err != nil {
		return err
	}
	if m.scenario.storms && ctx.Err() == nil {
		if err := m.storm(ctx); err != nil {
			return err
		}
	}
	if m.scenario.idles && ctx.Err() == nil {
		if err := m.idle(ctx); err != nil {
			return err
		}
	}
	if m.scenario.sends && ctx.Err() == nil {
		if err := m.send(ctx); err != nil {
			return err
		}
	}
	m.result.Interrupted = ctx.Err() != nil
	m.finish()
	return nil
}

// connect connects and subscribes all clients.
func (m *measurement) connect(ctx context.Context) (err error) {
	if m.before, err = m.subject.usage(); err != nil {
		return err
	}
	begun := clock.Now()
	rate := 0.0
	if !m.scenario.sends {
		rate = m.options.Rate
	}
	m.fleet.Connect(rate)
	total := m.total()
	m.await(ctx, m.subject.name+": connecting", total, func() (int, bool) {
		p := m.fleet.Progress()
		return p.Live, p.Live+p.Lost+p.Refused >= total
	})
	if m.connecting, err = m.subject.usage(); err != nil {
		return err
	}
	m.result.Connections.Seconds = time.Duration(m.fleet.Connected() - begun).Seconds()
	m.settle(ctx)
	if m.connected, err = m.subject.usage(); err != nil {
		return err
	}
	m.after = m.connected
	if live := m.fleet.Progress().Live; m.scenario.sends && live < total && ctx.Err() == nil {
		return fmt.Errorf("bench: %s: only %d of %d clients came to be subscribed: %s", m.subject.name, live, total,
			mostFrequent(m.fleet.Outcome().Refusals))
	}
	return nil
}

// finish fills in the result.
func (m *measurement) finish() {
	progress, outcome := m.fleet.Progress(), m.fleet.Outcome()
	c := &m.result.Connections
	c.Live, c.Refused, c.Lost = progress.Live, progress.Refused, progress.Lost
	c.Reasons = outcome.Refusals
	c.Reasons = merge(outcome.Refusals, outcome.Losses)
	for why, n := range outcome.Retries {
		c.Reasons["(tried again) "+why] += n
	}
	c.Errors = outcome.ServerErrors
	m.result.Failures = m.fleet.Failures()
	if c.Seconds > 0 {
		c.PerSecond = float64(c.Live) / c.Seconds
	}
	if s := m.result.Messages; s != nil {
		s.Counts, s.Histogram, s.Latency = outcome.Counts, outcome.Latency, outcome.Latency.Summary()
		s.Lost = s.Expected - int(s.Delivered)
	}
	if len(m.subject.pids) > 0 {
		m.account()
	}
}

// account fills in what the subject used.
func (m *measurement) account() {
	c := &m.result.Connections
	if c.Live > 0 {
		c.CPUMicros = micros(m.connecting.Since(m.before).CPU) / float64(c.Live)
		c.Bytes = float64(m.connected.Memory-m.before.Memory) / float64(c.Live)
	}
	used := m.connecting.Since(m.before)
	if m.scenario.sends || m.scenario.idles {
		used = m.after.Since(m.connected)
	}
	p := &report.Process{
		CPUSeconds: used.CPU.Seconds(), Voluntary: used.Voluntary, Involuntary: used.Involuntary,
		Before: held(m.before), Connected: held(m.connected), After: held(m.after),
	}
	if all := used.User + used.System; all > 0 {
		p.KernelShare = float64(used.System) / float64(all)
	}
	if s := m.result.Messages; s != nil && s.Delivered > 0 {
		p.PerDelivered = micros(used.CPU) / float64(s.Delivered)
		p.PerPublished = micros(used.CPU) / float64(s.Published)
	}
	m.result.Process = p
}

func (m *measurement) close() {
	if err := m.fleet.Close(); err != nil {
		m.result.Interrupted = true
	}
}

func held(u proc.Usage) report.Held { return report.Held{Memory: u.Memory, Descriptors: u.Descriptors} }

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
