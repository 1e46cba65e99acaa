package report

import "reverbd/bench/internal/latency"

// quantile returns one quantile of a distribution, in microseconds.
type quantile func(latency.Summary) int64

// detailed says whether the far tail of a distribution is shown.
type detailed bool

const (
	inFull  detailed = true
	briefly detailed = false
)

// quantiles adds a line for each of the usual quantiles. of returns the distribution of a measurement.
func (l *lines) quantiles(name string, tail detailed, of func(quantile) value) {
	for _, q := range []struct {
		name string
		tail detailed
		get  quantile
	}{
		{"p50", briefly, func(s latency.Summary) int64 { return s.P50 }},
		{"p90", briefly, func(s latency.Summary) int64 { return s.P90 }},
		{"p99", briefly, func(s latency.Summary) int64 { return s.P99 }},
		{"p99.9", inFull, func(s latency.Summary) int64 { return s.P999 }},
		{"max", briefly, func(s latency.Summary) int64 { return s.Max }},
	} {
		if q.tail == briefly || tail == inFull {
			l.beside(name+" "+q.name, Microseconds, of(q.get))
		}
	}
}
