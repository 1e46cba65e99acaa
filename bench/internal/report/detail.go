package report

import "reverbd/bench/internal/latency"

// Detail is a figure that only one scenario has. One whose unit is Fault is a fault unless it is 0.
type Detail struct {
	Name  string  `json:"name"`
	Unit  Unit    `json:"unit"`
	Value float64 `json:"value"`
}

// Timing is a distribution of times that only one scenario has.
type Timing struct {
	Name      string             `json:"name"`
	Summary   latency.Summary    `json:"summary"`
	Histogram *latency.Histogram `json:"histogram"`
}

// Detail adds a figure.
func (m *Measurement) Detail(name string, unit Unit, value float64) {
	m.Details = append(m.Details, Detail{name, unit, value})
}

// Timing adds a distribution.
func (m *Measurement) Timing(name string, h *latency.Histogram) {
	m.Timings = append(m.Timings, Timing{name, h.Summary(), h})
}

// details are shown as the first run has them; all runs of a scenario have the same.
func (l *lines) details() {
	first := l.runs[0].Server
	for i, t := range first.Timings {
		l.quantiles(t.Name, func(m Measurement) (s latency.Summary, ok bool) {
			if i >= len(m.Timings) {
				return s, false
			}
			return m.Timings[i].Summary, true
		})
	}
	for i, d := range first.Details {
		l.beside(d.Name, d.Unit, func(m Measurement) (float64, bool) {
			if i >= len(m.Details) {
				return 0, false
			}
			return m.Details[i].Value, true
		})
	}
}

// quantiles adds a line for each of those that people ask for.
func (l *lines) quantiles(name string, get func(Measurement) (latency.Summary, bool)) {
	for _, q := range []struct {
		name string
		get  func(latency.Summary) int64
	}{
		{"p50", func(s latency.Summary) int64 { return s.P50 }},
		{"p90", func(s latency.Summary) int64 { return s.P90 }},
		{"p99", func(s latency.Summary) int64 { return s.P99 }},
		{"max", func(s latency.Summary) int64 { return s.Max }},
	} {
		l.beside(name+" "+q.name, Microseconds, func(m Measurement) (float64, bool) {
			s, ok := get(m)
			return float64(q.get(s)), ok
		})
	}
}
