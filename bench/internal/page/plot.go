package page

import (
	"fmt"
	"html"
	"html/template"
	"strings"
)

// Size of a plot and of its inner margins, in SVG units.
const (
	width, height                            = 560.0, 260.0
	marginLeft, marginTop, marginRight, foot = 64.0, 12.0, 30.0, 40.0
)

// plot is a plot of curves.
type plot struct {
	Title  string
	Note   string // a sentence below the title
	across string // label of the horizontal axis
	x, y   scale
	xName  func(float64) string // text of a tick
	yName  func(float64) string
	curves []curve
}

// curve is one line in a plot.
type curve struct {
	class  string // CSS class: server or baseline
	points []point
	filled bool
	steps  bool // a step function
}

type point struct{ x, y float64 }

// empty reports whether no curve has points.
func (p plot) empty() bool {
	for _, c := range p.curves {
		if len(c.points) > 1 {
			return false
		}
	}
	return true
}

// SVG draws the plot.
func (p plot) SVG() template.HTML {
	var out strings.Builder
	fmt.Fprintf(&out, `<svg viewBox="0 0 %g %g" role="img" aria-label="%s">`, width, height, html.EscapeString(p.Title))
	p.x = p.x.between(marginLeft, width-marginRight)
	p.y = p.y.between(height-foot, marginTop)
	p.grid(&out)
	for _, c := range p.curves {
		p.curve(&out, c)
	}
	out.WriteString(`</svg>`)
	return template.HTML(out.String()) //nolint:gosec // numbers, and texts that are escaped
}

func (p plot) grid(out *strings.Builder) {
	for _, v := range p.y.ticks() {
		y := p.y.at(v)
		fmt.Fprintf(out, `<line class="grid" x1="%g" x2="%g" y1="%.1f" y2="%.1f"/>`, marginLeft, width-marginRight, y, y)
		fmt.Fprintf(out, `<text class="tick" text-anchor="end" x="%g" y="%.1f">%s</text>`, marginLeft-8, y+4, html.EscapeString(p.yName(v)))
	}
	for _, v := range p.x.ticks() {
		x := p.x.at(v)
		fmt.Fprintf(out, `<line class="grid" x1="%.1f" x2="%.1f" y1="%g" y2="%g"/>`, x, x, marginTop, height-foot)
		fmt.Fprintf(out, `<text class="tick" text-anchor="middle" x="%.1f" y="%g">%s</text>`, x, height-foot+16, html.EscapeString(p.xName(v)))
	}
	fmt.Fprintf(out, `<text class="axis" text-anchor="middle" x="%g" y="%g">%s</text>`, (marginLeft+width-marginRight)/2, height-4, html.EscapeString(p.across))
}

func (p plot) curve(out *strings.Builder, c curve) {
	if len(c.points) == 0 {
		return
	}
	path := p.path(c)
	if c.filled {
		first, last := p.x.at(c.points[0].x), p.x.at(c.points[len(c.points)-1].x)
		fmt.Fprintf(out, `<path class="%s area" d="%sL%.1f %gL%.1f %gZ"/>`, c.class, path, last, height-foot, first, height-foot)
	}
	fmt.Fprintf(out, `<path class="%s line" d="%s"/>`, c.class, path)
}

// path omits points that are less than half a unit from the one before.
func (p plot) path(c curve) string {
	var path strings.Builder
	var x, y float64
	for i, at := range c.points {
		nx, ny := p.x.at(at.x), p.y.at(at.y)
		switch {
		case i == 0:
			fmt.Fprintf(&path, "M%.1f %.1f", nx, ny)
		case i < len(c.points)-1 && max(nx-x, x-nx, ny-y, y-ny) < 0.5:
			continue
		case c.steps:
			fmt.Fprintf(&path, "H%.1fV%.1f", nx, ny)
		default:
			fmt.Fprintf(&path, "L%.1f %.1f", nx, ny)
		}
		x, y = nx, ny
	}
	return path.String()
}
