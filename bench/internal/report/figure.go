package report

import "slices"

// Figure is one line of the table: one measured value over all runs of a scenario.
type Figure struct {
	Name     string  `json:"name"`
	Unit     Unit    `json:"unit"`
	Server   Spread  `json:"server"`
	Baseline *Spread `json:"baseline,omitempty"`
	Ratio    *Spread `json:"ratio,omitempty"` // of the server to the baseline of the same run, where it is meaningful
}

// Spread is one value over all runs.
type Spread struct {
	Value float64 `json:"value"` // the median; for faults the sum, so that none is hidden
	Min   float64 `json:"min"`
	Max   float64 `json:"max"`
}

// spread returns the Spread of at least one value.
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
