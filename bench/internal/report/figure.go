package report

import "slices"

// Figure is one line of the table: what the runs of a scenario measured under one name.
type Figure struct {
	Name     string  `json:"name"`
	Unit     Unit    `json:"unit"`
	Server   Spread  `json:"server"`
	Baseline *Spread `json:"baseline,omitempty"`
	Ratio    *Spread `json:"ratio,omitempty"` // of the server to the baseline of the same run, if that says anything
}

// Spread is one figure over all runs.
type Spread struct {
	Value float64 `json:"value"` // the median; for faults the sum, so that none is hidden
	Min   float64 `json:"min"`
	Max   float64 `json:"max"`
}

// spread returns what values come to, at least one.
func spread(unit Unit, values []float64) *Spread {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	s := Spread{Value: (sorted[(n-1)/2] + sorted[n/2]) / 2, Min: sorted[0], Max: sorted[n-1]}
	if unit == Fault {
		s.Value = 0
		for _, x := range sorted {
			s.Value += x
		}
	}
	return &s
}
