package page

import "math"

// scale maps values to positions.
type scale struct {
	min, max float64 // values
	from, to float64 // positions, in pixels
	log      bool
}

// fit returns a scale for values from low to high, with round ends.
func fit(low, high float64, log bool) scale {
	if log {
		low = max(low, 1e-9)
		return scale{min: math.Pow(10, math.Floor(math.Log10(low))), max: math.Pow(10, math.Ceil(math.Log10(max(high, low*1.001)))), log: true}
	}
	if high <= low {
		high = low + 1
	}
	step := stepFor(high-low, maxTicks)
	return scale{min: math.Floor(low/step) * step, max: math.Ceil(high/step) * step}
}

// between returns the same scale at other positions.
func (s scale) between(from, to float64) scale {
	s.from, s.to = from, to
	return s
}

// at returns the position of a value.
func (s scale) at(x float64) float64 {
	share := (x - s.min) / (s.max - s.min)
	if s.log {
		share = math.Log(max(x, s.min)/s.min) / math.Log(s.max/s.min)
	}
	return s.from + min(max(share, 0), 1)*(s.to-s.from)
}

// maxTicks is roughly the number of ticks of an axis.
const maxTicks = 6

// ticks returns the values of the ticks.
func (s scale) ticks() []float64 {
	var ticks []float64
	if s.log {
		for x := s.min; x <= s.max*1.001; x *= 10 {
			ticks = append(ticks, x)
		}
		return ticks
	}
	step := stepFor(s.max-s.min, maxTicks)
	for i := math.Ceil(s.min / step); i*step <= s.max+step/1e6; i++ {
		ticks = append(ticks, i*step)
	}
	return ticks
}

// stepFor returns the step for at most n ticks in the span: 1, 2 or 5 times a power of ten.
func stepFor(span float64, n int) float64 {
	raw := span / float64(n)
	power := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 5} {
		if raw <= m*power*1.0001 {
			return m * power
		}
	}
	return 10 * power
}
