package report

import "reverbd/bench/internal/latency"

// Detail is a figure that only one scenario has. A Detail whose unit is Fault is a fault unless it is 0.
type Detail struct {
	Name  string  `json:"name"`
	Unit  Unit    `json:"unit"`
	Value float64 `json:"value"`
}

// Timing is a latency distribution that only one scenario has.
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

// details adds the lines of the details, in the order of the first run: all runs of a scenario have the same details.
func (l *lines) details() {
	first := l.runs[0].Server
	for i, t := range first.Timings {
		l.quantiles(t.Name, briefly, func(get quantile) value {
			return func(m Measurement) (float64, bool) {
				if i >= len(m.Timings) {
					return 0, false
				}
				return float64(get(m.Timings[i].Summary)), true
			}
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
