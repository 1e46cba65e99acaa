package report

import (
	"strings"
	"testing"
)

// scaled returns a report of runs of the first sample, whose CPU per delivered message is so many microseconds.
func scaled(lost int, micros ...float64) Report {
	var r Report
	for _, us := range micros {
		run := sample().Runs[0]
		run.Server.Process.PerDelivered = us
		run.Server.Messages.Lost = lost
		r.Runs = append(r.Runs, run)
	}
	return r
}

func TestCompareMarks(t *testing.T) {
	for name, c := range map[string]struct {
		before, after Report
		has, hasNot   string
	}{
		"better":           {scaled(0, 10, 11, 12), scaled(0, 6, 7, 8), "-36.4 %   better", "WORSE"},
		"worse":            {scaled(0, 6, 7, 8), scaled(0, 10, 11, 12), "+57.1 %   WORSE", "better"},
		"within":           {scaled(0, 6, 7, 8), scaled(0, 7.9, 9, 10), "+28.6 %", "WORSE"},
		"single runs":      {scaled(0, 6), scaled(0, 10), "with --repeat", "WORSE"},
		"the same":         {scaled(0, 6, 7), scaled(0, 6, 7), "=", "WORSE"},
		"loss, single run": {scaled(0, 6), scaled(5, 6), "new   WORSE", "better"},
	} {
		t.Run(name, func(t *testing.T) {
			var text strings.Builder
			if err := Compare(&text, c.before, c.after); err != nil {
				t.Fatal(err)
			}
			if got := text.String(); !strings.Contains(got, c.has) || strings.Contains(got, c.hasNot) {
				t.Errorf("want %q in it and not %q:\n%s", c.has, c.hasNot, got)
			}
		})
	}
}

func TestCompareRefuses(t *testing.T) {
	other := scaled(0, 6)
	other.Runs[0].Parameters.Connections = 7
	for name, c := range map[string]struct {
		after Report
		says  string
	}{
		"no runs":            {Report{}, "without a run"},
		"another scenario":   {Report{Runs: sample().Runs[1:]}, "different scenarios: fanout, and connect"},
		"different options":  {other, "different options: 1,000 connections"},
		"one scenario fewer": {sample(), "different scenarios: fanout, and fanout, connect"},
	} {
		t.Run(name, func(t *testing.T) {
			var text strings.Builder
			err := Compare(&text, scaled(0, 6), c.after)
			if err == nil || !strings.Contains(err.Error(), c.says) || text.Len() > 0 {
				t.Errorf("error is %v, want %q in it; it writes %q", err, c.says, text.String())
			}
		})
	}
}
