package main

import (
	"math"
	"testing"

	"reverbd/sysctl"
)

func TestMemoryLimit(t *testing.T) {
	const gib = 1 << 30
	for _, c := range []struct {
		name       string
		configured int64
		given      bool // GOMEMLIMIT
		goLimit    int64
		machine    sysctl.Number
		want       int64
	}{
		{"of the machine", 0, false, math.MaxInt64, 10 * gib, 9 * gib},
		{"configured", gib, false, math.MaxInt64, 10 * gib, gib},
		{"configured beside GOMEMLIMIT", gib, true, 2 * gib, 10 * gib, gib},
		{"GOMEMLIMIT", 0, true, 2 * gib, 10 * gib, 2 * gib},
		{"GOMEMLIMIT=off", 0, true, math.MaxInt64, 10 * gib, 9 * gib},
		{"not known", 0, false, math.MaxInt64, sysctl.Unknown, 0},
	} {
		if got := memoryLimit(c.configured, c.given, c.goLimit, c.machine); got/1000 != c.want/1000 {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
