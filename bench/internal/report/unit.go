package report

import "math"

// Unit is the unit of a figure. It determines the format, and whether more or less is better.
type Unit string

// Units.
const (
	Microseconds Unit = "us"
	Seconds      Unit = "s"
	Bytes        Unit = "bytes"
	PerSecond    Unit = "per second"
	Share        Unit = "share" // 0 to 1
	Count        Unit = "count"
	Fault        Unit = "faults" // a count of faults
	Times        Unit = "times"  // the baseline
)

// Format formats a value with its unit.
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

// better returns 1 if more is better, -1 if less is better, and 0 if neither is.
func (u Unit) better() int {
	switch u {
	case PerSecond:
		return 1
	case Microseconds, Seconds, Bytes, Fault, Times:
		return -1
	}
	return 0
}
