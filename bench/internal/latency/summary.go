package latency

// Summary has the usual quantiles of a distribution, in microseconds.
type Summary struct {
	Count int64   `json:"count"`
	Mean  float64 `json:"mean_us"`
	P50   int64   `json:"p50_us"`
	P90   int64   `json:"p90_us"`
	P99   int64   `json:"p99_us"`
	P999  int64   `json:"p99_9_us"`
	Max   int64   `json:"max_us"`
}

// Summary returns the quantiles, all zero if nothing was recorded.
func (h *Histogram) Summary() Summary {
	if h.hdr.TotalCount() == 0 {
		return Summary{}
	}
	return Summary{
		Count: h.hdr.TotalCount(),
		Mean:  h.hdr.Mean(),
		P50:   h.hdr.ValueAtQuantile(50),
		P90:   h.hdr.ValueAtQuantile(90),
		P99:   h.hdr.ValueAtQuantile(99),
		P999:  h.hdr.ValueAtQuantile(99.9),
		Max:   h.hdr.Max(),
	}
}
