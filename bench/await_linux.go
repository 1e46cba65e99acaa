package bench

import (
	"cmp"
	"context"
	"time"

	"reverbd/bench/internal/proc"
)

const (
	// lookEvery is how often a run looks how far it is.
	lookEvery = 2 * time.Millisecond
	// tellEvery is how often it tells.
	tellEvery = 100 * time.Millisecond
	// defaultPatience is Options.Patience.
	defaultPatience = 10 * time.Second
	// lastPatience is how long it waits when nothing happens once it has been interrupted.
	lastPatience = time.Second
)

// await waits until look says that it is finished, nothing has happened for a while, or ctx is done.
func (m *measurement) await(ctx context.Context, what string, of int, look func() (done int, finished bool)) {
	m.awaitFor(ctx, m.patience(), what, of, look)
}

func (r *run) patience() time.Duration { return cmp.Or(r.options.Patience, defaultPatience) }

// awaitFor is await with another patience.
func (m *measurement) awaitFor(ctx context.Context, patience time.Duration, what string, of int, look func() (int, bool)) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	last, moved, told := -1, time.Now(), time.Time{}
	for {
		done, finished := look()
		now := time.Now()
		if done != last {
			last, moved = done, now
		}
		if m.options.Watch != nil && (finished || now.Sub(told) >= tellEvery) {
			m.options.Watch(what, done, of)
			told = now
		}
		if finished || now.Sub(moved) > patience {
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
