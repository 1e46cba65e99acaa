package bench

import (
	"context"
	"time"

	"reverbd/bench/internal/report"
)

// storm disconnects all clients, reconnects them at once, and measures how long that takes. The events that are published afterwards
// show whether all are subscribed.
func (m *measurement) storm(ctx context.Context) error {
	before := m.connected
	total := m.total()
	begun := m.fleet.Storm()
	m.await(ctx, m.subject.name+": coming back", total, func() (int, bool) {
		live := m.fleet.Progress().Live
		return live, live == total
	})
	took := time.Duration(m.fleet.Connected() - begun)
	busy, err := m.subject.usage()
	if err != nil {
		return err
	}
	m.settle(ctx)
	after, err := m.subject.usage()
	if err != nil {
		return err
	}
	live := m.fleet.Progress().Live
	outcome := m.fleet.Outcome()
	d := &m.result
	d.Detail("everybody back after", report.Seconds, took.Seconds())
	d.Detail("back per second", report.PerSecond, float64(live)/took.Seconds())
	d.Detail("tried again", report.Count, float64(outcome.Retries.Total()))
	d.Detail("did not come back", report.Fault, float64(total-live))
	if len(m.subject.pids) > 0 {
		d.Detail("CPU per client that came back", report.Microseconds, micros(busy.Since(before).CPU)/float64(max(live, 1)))
		d.Detail("memory before the storm", report.Bytes, float64(before.Memory))
		d.Detail("memory right after the storm", report.Bytes, float64(busy.Memory))
		d.Detail("memory when it had settled", report.Bytes, float64(after.Memory))
		d.Detail("descriptors before the storm", report.Count, float64(before.Descriptors))
		d.Detail("descriptors when it had settled", report.Count, float64(after.Descriptors))
	}
	return nil
}
