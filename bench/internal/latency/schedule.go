package latency

import "time"

// Schedule computes when messages are due at a fixed rate.
type Schedule struct {
	start    int64   // nanoseconds
	interval float64 // nanoseconds; not an integer, whose rounding would add up
}

// NewSchedule returns a schedule of perSecond messages a second from start, in nanoseconds of any clock.
func NewSchedule(start int64, perSecond float64) Schedule {
	return Schedule{start: start, interval: float64(time.Second) / perSecond}
}

// Due returns when the n-th message is due, from 0.
func (s Schedule) Due(n int) int64 { return s.start + int64(float64(n)*s.interval) }
