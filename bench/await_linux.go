package bench

import (
	"cmp"
	"context"
	"time"

	"reverbd/bench/internal/proc"
)

const (
	// pollInterval is how often a run looks how far it is.
	pollInterval = 2 * time.Millisecond
	// progressInterval is how often it tells.
	progressInterval = 100 * time.Millisecond
	// defaultStallTimeout is Options.StallTimeout.
	defaultStallTimeout = 10 * time.Second
	// interruptedTimeout is how long it waits when nothing happens once it has been interrupted.
	interruptedTimeout = time.Second
)

// await waits until look says that it is finished, nothing has happened for a while, or ctx is done.
func (m *measurement) await(ctx context.Context, what string, of int, look func() (done int, finished bool)) {
	m.awaitFor(ctx, m.stallTimeout(), what, of, look)
}

func (r *run) stallTimeout() time.Duration {
	return cmp.Or(r.options.StallTimeout, defaultStallTimeout)
}

// awaitFor is await with another timeout.
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

// settle waits until the subject has nothing to do any more (for as long as it has been doing something, but at most ten
// times Options.Settle), and then Options.Settle longer. What a server of many clients does for itself, such as looking for
// those to ping, is not something to do.
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
