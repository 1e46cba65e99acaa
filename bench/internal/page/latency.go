package page

import (
	"fmt"
	"math"
	"strconv"

	"reverbd/bench/internal/latency"
	"reverbd/bench/internal/report"
)

// named is a measurement with the CSS class of its curves.
type named struct {
	class string
	*report.Measurement
}

// measurements returns those of a run in drawing order: the baseline, if there is one, below the server.
func measurements(run report.Run) []named {
	if run.Baseline == nil {
		return []named{{"server", &run.Server}}
	}
	return []named{{"baseline", run.Baseline}, {"server", &run.Server}}
}

// bars returns the columns of a measurement's histogram, none without messages.
func (n named) bars() []latency.Bar {
	if n.Messages == nil || n.Messages.Histogram == nil {
		return nil
	}
	return n.Messages.Histogram.Bars()
}

// columnsPerDecade is the number of columns for a factor of ten.
const columnsPerDecade = 20

// histogram plots the number of messages by latency, on a logarithmic scale.
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

// columns sums bars in columns of equal width on a logarithmic scale. The last column is empty.
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

// percentiles plots the latency by percentile, with equal width for each further nine.
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

// quantiles returns a point for each bar: how rare a longer latency is (1 for one in 10, 2 for one in 100), and the latency.
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

// short formats a number with as few digits as possible.
func short(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }
