package page

import (
	"fmt"
	"math"
	"strconv"

	"reverbd/bench/internal/latency"
	"reverbd/bench/internal/report"
)

// named is a measurement, by the class that its curves have.
type named struct {
	class string
	*report.Measurement
}

// measurements is the baseline, if there is one, and on top of it the server.
func measurements(run report.Run) []named {
	if run.Baseline == nil {
		return []named{{"server", &run.Server}}
	}
	return []named{{"baseline", run.Baseline}, {"server", &run.Server}}
}

// bars is what a measurement's histogram has, none if it has no messages.
func (n named) bars() []latency.Bar {
	if n.Messages == nil || n.Messages.Histogram == nil {
		return nil
	}
	return n.Messages.Histogram.Bars()
}

// columnsPerDecade is how many columns of a histogram make up a factor of ten.
const columnsPerDecade = 20

// histogram is how many messages took how long, on a logarithmic scale.
func histogram(run report.Run) plot {
	p := plot{
		Title: "Latency", Note: "Share of the messages, by the time from when each was due to its receipt.",
		across: "latency (logarithmic)", xName: microseconds, yName: percent,
	}
	low, high, most := math.Inf(1), 0.0, 0.0
	for _, m := range measurements(run) {
		c := curve{class: m.class, filled: true, steps: true, points: columns(m.bars())}
		for _, at := range c.points {
			low, high, most = min(low, at.x), max(high, at.x), max(most, at.y)
		}
		p.curves = append(p.curves, c)
	}
	p.x, p.y = fit(low, high, true), fit(0, most, false)
	return p
}

// columns adds up bars in columns of equal width on a logarithmic scale. It ends with an empty one.
func columns(bars []latency.Bar) []point {
	if len(bars) == 0 {
		return nil
	}
	shares, total := map[int]float64{}, 0.0
	first, last := math.MaxInt, 0
	for _, b := range bars {
		n := int(math.Floor(math.Log10(max(1, float64(b.To.Microseconds()))) * columnsPerDecade))
		shares[n] += float64(b.Count)
		total += float64(b.Count)
		first, last = min(first, n), max(last, n)
	}
	edge := func(n int) float64 { return math.Pow(10, float64(n)/columnsPerDecade) }
	points := []point{{edge(first), 0}}
	for n := first; n <= last+1; n++ {
		points = append(points, point{edge(n), 100 * shares[n] / total})
	}
	return points
}

// percentiles is how long the slowest took, with as much room for each further nine.
func percentiles(run report.Run) plot {
	p := plot{
		Title: "Latency by percentile", Note: "Each step to the right is ten times rarer.",
		across: "percentile", xName: nines, yName: microseconds,
	}
	low, high, rarest := math.Inf(1), 0.0, 1.0
	for _, m := range measurements(run) {
		c := curve{class: m.class, points: quantiles(m.bars())}
		for _, at := range c.points {
			low, high, rarest = min(low, at.y), max(high, at.y), max(rarest, at.x)
		}
		p.curves = append(p.curves, c)
	}
	p.x, p.y = scale{min: 0, max: math.Ceil(rarest)}, fit(low, high, true)
	return p
}

// quantiles has a point for each bar: how rare it is to take longer (1 for one of 10, 2 for one of 100), and how long it is.
func quantiles(bars []latency.Bar) []point {
	var total, seen int64
	for _, b := range bars {
		total += b.Count
	}
	var points []point
	for _, b := range bars {
		took := max(1, float64(b.To.Microseconds()))
		points = append(points, point{math.Log10(float64(total) / float64(total-seen)), took})
		seen += b.Count
		points = append(points, point{math.Log10(float64(total) / float64(max(1, total-seen))), took})
	}
	return points
}

// nines writes a percentile: 0, 90, 99, 99.9 and so on.
func nines(n float64) string {
	switch digits := math.Round(n); {
	case math.Abs(n-digits) > 1e-9:
		return ""
	case digits <= 2:
		return fmt.Sprint(100 * (1 - math.Pow(10, -digits)))
	default:
		return "99." + "999999999"[:int(digits)-2]
	}
}

func microseconds(us float64) string {
	switch {
	case us >= 1e6:
		return short(us/1e6) + " s"
	case us >= 1e3:
		return short(us/1e3) + " ms"
	}
	return short(us) + " us"
}

func percent(x float64) string { return short(x) + " %" }

// short writes a number with no more digits than it needs.
func short(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }
