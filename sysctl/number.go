package sysctl

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Number is a count or a size; it may be Unknown or Unlimited.
type Number int64

// The special values of a Number.
const (
	Unknown   Number = -1
	Unlimited Number = math.MaxInt64
)

// Known reports whether the system shows the number.
func (n Number) Known() bool { return n != Unknown }

// String groups the digits: 28,232.
func (n Number) String() string {
	switch n {
	case Unknown:
		return "not told"
	case Unlimited:
		return "unlimited"
	}
	digits := strconv.FormatInt(int64(n), 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// bytes returns the number as a size: 1.5 GiB.
func (n Number) bytes() string {
	const unit = 1024
	if n == Unknown || n == Unlimited || n < unit && n > -unit {
		if n == Unknown || n == Unlimited {
			return n.String()
		}
		return n.String() + " bytes"
	}
	v := float64(n)
	for _, name := range []string{"KiB", "MiB", "GiB"} {
		if v /= unit; math.Abs(v) < unit {
			return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0") + " " + name
		}
	}
	return fmt.Sprintf("%.1f TiB", v/unit)
}

// least returns the smaller of two numbers, ignoring an unknown one.
func least(a, b Number) Number {
	if a == Unknown || b != Unknown && b < a {
		return b
	}
	return a
}

// plus adds; an overflow is Unlimited.
func (n Number) plus(m Number) Number {
	switch {
	case n == Unknown || m == Unknown:
		return Unknown
	case n == Unlimited || m == Unlimited || m > 0 && n > Unlimited-m:
		return Unlimited
	}
	return n + m
}

// times multiplies; an overflow is Unlimited. Neither number may be negative.
func (n Number) times(m Number) Number {
	switch {
	case n == Unknown || m == Unknown:
		return Unknown
	case n == 0 || m == 0:
		return 0
	case n == Unlimited || m == Unlimited || n > Unlimited/m:
		return Unlimited
	}
	return n * m
}

// generous returns a limit with a quarter to spare, in whole KiB, so that it need not be raised again soon.
func (n Number) generous() Number {
	if n >= Unlimited/2 {
		return Unlimited
	}
	return (n + n/4 + 1023) / 1024 * 1024
}
