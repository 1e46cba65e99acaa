package bench

import (
	"context"
	"sync"

	"reverbd/bench/internal/clock"
	"reverbd/bench/internal/dialect"
	"reverbd/bench/internal/latency"
	"reverbd/bench/internal/report"
)

// part returns a measurement of another scenario against the same server, as a part of this one. It has its own counts, and its own
// clients on a thread of their own; it does not measure the server's usage.
func (r *run) part(name, prefix string, change func(*Options)) (*measurement, error) {
	o := r.options
	o.Settle, o.Watch = 0, nil
	change(&o)
	inner := &run{options: o, target: r.target, addresses: r.addresses, messages: dialect.Messages{Prefix: prefix, Size: o.Size}}
	inner.scenario, _ = find(name)
	s := inner.server()
	s.pids = nil
	m := &measurement{run: inner, subject: s}
	fleet, err := inner.clients(s)
	if err != nil {
		return nil, err
	}
	m.fleet = fleet
	return m, nil
}

// parts are the parts of a measurement.
type parts []*measurement

// connect connects the clients of all parts, one part after the other.
func (p parts) connect(ctx context.Context) error {
	for _, m := range p {
		if err := m.connect(ctx); err != nil {
			return err
		}
	}
	return nil
}

// send makes all parts send at the same time, and waits until the messages have arrived.
func (p parts) send(ctx context.Context) error {
	var all sync.WaitGroup
	failed := make([]error, len(p))
	for i, m := range p {
		all.Go(func() { failed[i] = m.send(ctx) })
	}
	all.Wait()
	for _, err := range failed {
		if err != nil {
			return err
		}
	}
	return nil
}

func (p parts) close() {
	for _, m := range p {
		m.close()
	}
}

// add adds the connections and messages of a part to the result.
func (m *measurement) add(part *measurement) {
	part.finish()
	a, b := &m.result, &part.result
	a.Connections.Live += b.Connections.Live
	a.Connections.Refused += b.Connections.Refused
	a.Connections.Lost += b.Connections.Lost
	a.Connections.Seconds += b.Connections.Seconds
	a.Connections.Reasons = merge(a.Connections.Reasons, b.Connections.Reasons)
	a.Connections.Errors = merge(a.Connections.Errors, b.Connections.Errors)
	a.Connections.PerSecond = float64(a.Connections.Live) / a.Connections.Seconds
	if b.Messages == nil {
		return
	}
	if a.Messages == nil {
		a.Messages = &report.Messages{Histogram: latency.New(), Reasons: map[string]int{}}
	}
	addMessages(a.Messages, b.Messages)
}

func addMessages(a, b *report.Messages) {
	a.Published += b.Published
	a.Failed += b.Failed
	a.Expected += b.Expected
	a.Lost += b.Lost
	a.Merge(b.Counts)
	a.Reasons = merge(a.Reasons, b.Reasons)
	a.Histogram.Merge(b.Histogram)
	a.Latency = a.Histogram.Summary()
	a.Seconds = max(a.Seconds, b.Seconds)
	a.PublishedPerSecond += b.PublishedPerSecond
	a.DeliveredPerSecond += b.DeliveredPerSecond
}

// accountLast fills in what the server used for the last of several parts that ran one after the other.
func (m *measurement) accountLast(s *report.Messages) {
	m.account()
	m.result.Connections.CPUMicros, m.result.Connections.Bytes = 0, 0 // these belong to no single part
	used := micros(m.after.Since(m.connected).CPU)
	m.result.Process.PerDelivered = used / float64(max(s.Delivered, 1))
	m.result.Process.PerPublished = used / float64(max(s.Published, 1))
}

// showProgress reports the progress of a part, until stop is called.
func (m *measurement) showProgress(what string, part *measurement) (stop func()) {
	if m.options.Watch == nil {
		return func() {}
	}
	return clock.Every(progressInterval, func() bool {
		m.options.Watch(m.subject.name+": "+what, part.fleet.Progress().Delivered, 0)
		return true
	})
}
