package report

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// grouped formats an integer with thousands separators.
func grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	start := len(text) % 3
	if n < 0 {
		start = (len(text)-1)%3 + 1
	}
	out := text[:start]
	for ; start < len(text); start += 3 {
		if out != "" && out != "-" {
			out += ","
		}
		out += text[start : start+3]
	}
	return out
}

// figures formats a number with about three significant digits.
func figures(x float64) string {
	switch a := max(x, -x); {
	case a >= 100:
		return grouped(int64(math.Round(x)))
	case a >= 10:
		return strconv.FormatFloat(x, 'f', 1, 64)
	}
	return strconv.FormatFloat(x, 'f', 2, 64)
}

// microseconds formats a time in a suitable unit.
func microseconds(us float64) string {
	switch {
	case us >= 1e6:
		return figures(us/1e6) + " s"
	case us >= 1e3:
		return figures(us/1e3) + " ms"
	}
	return figures(us) + " us"
}

func seconds(s float64) string { return microseconds(s * 1e6) }

// size formats bytes in a suitable unit.
func size(bytes float64) string {
	switch a := max(bytes, -bytes); {
	case a >= 10<<20:
		return figures(bytes/(1<<20)) + " MiB"
	case a >= 10<<10:
		return figures(bytes/(1<<10)) + " KiB"
	}
	return figures(bytes) + " B"
}

func percent(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) }

// duration formats a parameter.
func duration(d time.Duration) string {
	if d%time.Second == 0 {
		return strconv.Itoa(int(d/time.Second)) + " s"
	}
	return d.String()
}
