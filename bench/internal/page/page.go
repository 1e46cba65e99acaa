package page

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"time"

	"reverbd/bench/internal/report"
)

//go:embed page.html
var source string

var layout = template.Must(template.New("page").Parse(source))

// Write writes the page.
func Write(w io.Writer, r report.Report) error {
	v := view{Report: r, Begun: r.Begun.Format(time.RFC1123)}
	for _, g := range r.Groups() {
		v.Sections = append(v.Sections, newSection(g))
	}
	if err := layout.Execute(w, v); err != nil {
		return fmt.Errorf("page: %w", err)
	}
	return nil
}

type view struct {
	report.Report
	Begun    string
	Sections []section
}

// section is one scenario.
type section struct {
	report.Group
	Tiles    []tile
	Rows     []row
	Ratios   ratios
	Plots    []plot
	Faults   []string
	Baseline bool
	Ended    bool // interrupted
}

// tile is one of the large figures.
type tile struct{ Name, Value, Beside string }

// row is a line of the table. Missing figures are empty.
type row struct{ Name, Server, Baseline, Ratio, Spread string }

func newSection(g report.Group) section {
	s := section{Group: g, Ratios: ratiosOf(g.Figures)}
	for i, run := range g.Runs {
		s.Baseline = s.Baseline || run.Baseline != nil
		for _, m := range []*report.Measurement{&run.Server, run.Baseline} {
			s.Ended = s.Ended || m != nil && m.Interrupted
		}
		for _, fault := range run.Server.Faults() {
			if g.Repeats > 1 {
				fault = fmt.Sprintf("run %d: %s", i+1, fault)
			}
			s.Faults = append(s.Faults, fault)
		}
	}
	for _, f := range g.Figures {
		s.Rows = append(s.Rows, rowOf(f))
	}
	s.Tiles = tiles(g.Figures)
	run := g.Typical()
	for _, p := range append([]plot{histogram(run), percentiles(run)}, timeline(run)...) {
		if !p.empty() {
			s.Plots = append(s.Plots, p)
		}
	}
	return s
}

func rowOf(f report.Figure) row {
	r := row{Name: f.Name, Server: f.Unit.Format(f.Server.Value)}
	if f.Baseline != nil {
		r.Baseline = f.Unit.Format(f.Baseline.Value)
	}
	if f.Ratio != nil {
		r.Ratio = report.Times.Format(f.Ratio.Value)
	}
	if f.Server.Min < f.Server.Max {
		r.Spread = f.Unit.Format(f.Server.Min) + " .. " + f.Unit.Format(f.Server.Max)
	}
	return r
}

// The figures that become a tile, and the most tiles.
var large = []string{
	"CPU per delivered message", "delivered per second", "latency p50", "latency p99", "subscribed per second", "memory per connection",
}

const maxTiles = 5

func tiles(figures []report.Figure) (tiles []tile) {
	for _, f := range figures {
		if !slices.Contains(large, f.Name) || len(tiles) == maxTiles {
			continue
		}
		t := tile{Name: f.Name, Value: f.Unit.Format(f.Server.Value)}
		switch {
		case f.Ratio != nil:
			t.Beside = report.Times.Format(f.Ratio.Value) + " the baseline"
		case f.Baseline != nil:
			t.Beside = "baseline: " + f.Unit.Format(f.Baseline.Value)
		}
		tiles = append(tiles, t)
	}
	return tiles
}
