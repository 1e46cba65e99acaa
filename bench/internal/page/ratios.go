package page

import (
	"fmt"
	"html"
	"html/template"
	"strings"

	"reverbd/bench/internal/report"
)

// ratios is the bar chart of the server's figures relative to the baseline's.
type ratios []report.Figure

// ratiosOf returns the figures that have a ratio.
func ratiosOf(all []report.Figure) (some ratios) {
	for _, f := range all {
		if f.Ratio != nil {
			some = append(some, f)
		}
	}
	return some
}

// SVG draws a bar for each figure, a whisker from its least to its greatest ratio, and a line at the baseline.
func (r ratios) SVG() template.HTML {
	const row, names, right = 28.0, 215.0, 90.0
	const wide = 2*width + 20
	most := 1.0
	for _, f := range r {
		most = max(most, f.Ratio.Max)
	}
	tall := row*float64(len(r)) + 34
	s := fit(0, most, false).between(names, wide-right)
	var out strings.Builder
	fmt.Fprintf(&out, `<svg viewBox="0 0 %g %g" role="img" aria-label="server against baseline">`, wide, tall)
	for _, v := range s.ticks() {
		fmt.Fprintf(&out, `<line class="grid" x1="%.1f" x2="%[1]f" y1="0" y2="%g"/>`, s.at(v), tall-28)
		fmt.Fprintf(&out, `<text class="tick" text-anchor="middle" x="%.1f" y="%g">%s x</text>`, s.at(v), tall-10, short(v))
	}
	for i, f := range r {
		y := row * float64(i)
		fmt.Fprintf(&out, `<text class="name" text-anchor="end" x="%g" y="%.1f">%s</text>`, names-10, y+18, html.EscapeString(f.Name))
		fmt.Fprintf(&out, `<rect class="server bar" x="%g" y="%.1f" width="%.1f" height="%g" rx="2"/>`, names, y+5, s.at(f.Ratio.Value)-names, row-10)
		if f.Ratio.Min < f.Ratio.Max {
			fmt.Fprintf(&out, `<line class="whisker" x1="%.1f" x2="%.1f" y1="%.1f" y2="%[3]f"/>`, s.at(f.Ratio.Min), s.at(f.Ratio.Max), y+row/2)
		}
		fmt.Fprintf(&out, `<text class="name" x="%.1f" y="%.1f">%s</text>`, s.at(f.Ratio.Max)+8, y+18, html.EscapeString(report.Times.Format(f.Ratio.Value)))
	}
	fmt.Fprintf(&out, `<line class="baseline line" x1="%.1f" x2="%[1]f" y1="0" y2="%g"/></svg>`, s.at(1), tall-28)
	return template.HTML(out.String()) //nolint:gosec // numbers, and texts that are escaped
}
