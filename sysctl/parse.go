package sysctl

import (
	"errors"
	"io/fs"
	"strconv"
	"strings"
)

// parseNumber reads a number as the kernel writes it. A value beyond the range of Number is Unlimited.
func parseNumber(s string) Number {
	switch s {
	case "max", "unlimited", "infinity":
		return Unlimited
	}
	n, err := strconv.ParseInt(s, 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange) && !strings.HasPrefix(s, "-"):
		return Unlimited
	case err != nil || n < 0:
		return Unknown
	}
	return Number(n)
}

// parseRanges reads a list as the kernel writes it: "0-3,7". Other text is ignored.
func parseRanges(s string) []Range {
	var ranges []Range
	for part := range strings.SplitSeq(strings.TrimSpace(s), ",") {
		low, high, isRange := strings.Cut(part, "-")
		if !isRange {
			high = low
		}
		r := Range{parseNumber(low), parseNumber(high)}
		if r.Low.Known() && r.High >= r.Low {
			ranges = append(ranges, r)
		}
	}
	return ranges
}

// sizes reads a file of lines such as "MemTotal:  1024 kB", in bytes.
func sizes(text string) map[string]Number {
	found := make(map[string]Number)
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		n := parseNumber(words[1])
		if len(words) > 2 && words[2] == "kB" {
			n = n.times(1024)
		}
		found[strings.TrimSuffix(words[0], ":")] = n
	}
	return found
}

// of returns an entry of sizes.
func of(found map[string]Number, name string) Number {
	if n, ok := found[name]; ok {
		return n
	}
	return Unknown
}

// reason returns an error about a file without the file's name, which the finding shows already.
func reason(err error) string {
	var inner *fs.PathError
	if errors.As(err, &inner) {
		err = inner.Err
	}
	return err.Error()
}
