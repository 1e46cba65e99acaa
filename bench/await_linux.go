package bench

import (
	"cmp"
	"context"
	"time"

	"reverbd/bench/internal/proc"
)

const (
	// pollInterval is the time between two looks at the progress.
	pollInterval = 2 * time.Millisecond
	// progressInterval is the time between two calls of Options.Watch.
	progressInterval = 100 * time.Millisecond
	// defaultStallTimeout is the default of Options.StallTimeout.
	defaultStallTimeout = 10 * time.Second
	// interruptedTimeout is the stall timeout of a run that has been interrupted.
	interruptedTimeout = time.Second
)

// await waits until look reports that it is finished, done has not changed for Options.StallTimeout, or ctx is done.
func (m *measurement) await(ctx context.Context, what string, of int, look func() (done int, finished bool)) {
	m.awaitFor(ctx, m.stallTimeout(), what, of, look)
}

func (r *run) stallTimeout() time.Duration {
	return cmp.Or(r.options.StallTimeout, defaultStallTimeout)
}

// awaitFor is await with another stall timeout.
func (m *measurement) awaitFor(ctx context.Context, timeout time.Duration, what string, of int, look func() (int, bool)) {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	last, moved, told := -1, time.Now(), time.Time{}
	for {
		done, finished := look()
		now := time.Now()
		if done != last {
			last, moved = done, now
		}
		if m.options.Watch != nil && (finished || now.Sub(told) >= progressInterval) {
			m.options.Watch(what, done, of)
			told = now
		}
		if finished || now.Sub(moved) > timeout {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// settle waits until the subject has used hardly any CPU for Options.Settle, but at most ten times as long. Up to 5 % of a
// processor counts as idle: a server with many clients does some work of its own, such as finding the clients to ping.
func (m *measurement) settle(ctx context.Context) {
	const (
		step = 100 * time.Millisecond
		idle = step / 20
	)
	ticker := time.NewTicker(step)
	defer ticker.Stop()
	quiet := time.Now()
	last, _ := proc.CPU(m.subject.pids...)
	for begun := quiet; time.Since(quiet) < m.options.Settle && time.Since(begun) < 10*m.options.Settle; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		used, err := proc.CPU(m.subject.pids...)
		if err != nil {
			return
		}
		if used-last > idle {
			quiet = time.Now()
		}
		last = used
	}
}
