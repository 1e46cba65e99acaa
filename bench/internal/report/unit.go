package report

import "math"

// Unit is what a figure is in, which also says how it is written and what would be an improvement.
type Unit string

// Units.
const (
	Microseconds Unit = "us"
	Seconds      Unit = "s"
	Bytes        Unit = "bytes"
	PerSecond    Unit = "per second"
	Share        Unit = "share" // 0 to 1
	Count        Unit = "count"
	Fault        Unit = "faults" // a count of what should not be
	Times        Unit = "times"  // the baseline
)

// Format writes a figure for people.
func (u Unit) Format(x float64) string {
	switch u {
	case Microseconds:
		return microseconds(x)
	case Seconds:
		return seconds(x)
	case Bytes:
		return size(x)
	case Share:
		return percent(x)
	case Count, Fault:
		return grouped(int64(math.Round(x)))
	case Times:
		return figures(x) + " x"
	}
	return figures(x)
}

// better is 1 when more is better, -1 when less is, and 0 when it is only different.
func (u Unit) better() int {
	switch u {
	case PerSecond:
		return 1
	case Microseconds, Seconds, Bytes, Fault, Times:
		return -1
	}
	return 0
}
