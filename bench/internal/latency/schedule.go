package latency

import "time"

// Schedule is the times at which things are due at a fixed rate.
type Schedule struct {
	start    int64   // nanoseconds
	interval float64 // nanoseconds; a fraction must not add up to a drift
}

// NewSchedule returns a schedule that begins at start, in nanoseconds of any clock, with perSecond things due a second.
func NewSchedule(start int64, perSecond float64) Schedule {
	return Schedule{start: start, interval: float64(time.Second) / perSecond}
}

// Due returns when the n-th thing (from 0) is due.
func (s Schedule) Due(n int) int64 { return s.start + int64(float64(n)*s.interval) }
