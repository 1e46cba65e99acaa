package report

import (
	"fmt"
	"io"
)

// Versus is the reports of several servers against which the same scenarios ran in turn. The first is compared with the others.
type Versus struct {
	Servers []Report `json:"servers"`
}

// Write writes a table for each scenario: the medians of every server, and the median of the ratios of the first to it.
func (v Versus) Write(w io.Writer) error {
	for i, g := range v.Servers[0].Groups() {
		if _, err := fmt.Fprintf(w, "\n%s: %s; medians of %s\n\n", g.Scenario, g.Parameters, plural(g.Repeats, "run")); err != nil {
			return err
		}
		if err := v.table(i, g).write(w); err != nil {
			return err
		}
		for _, server := range v.Servers {
			for n, run := range v.group(server, i).Runs {
				if err := run.writeFaults(w, fmt.Sprintf("%s, run %d: ", server.URL, n+1)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// group returns the i-th group of a server, empty if the runs ended before it.
func (v Versus) group(server Report, i int) Group {
	if groups := server.Groups(); i < len(groups) {
		return groups[i]
	}
	return Group{}
}

// table is the table of the i-th group.
func (v Versus) table(i int, first Group) *table {
	heads := []string{"", v.Servers[0].URL}
	others := make([]map[string]Figure, len(v.Servers)-1)
	for k, server := range v.Servers[1:] {
		heads = append(heads, server.URL, "ratio to it")
		others[k] = pairs(first.Runs, v.group(server, i).Runs)
	}
	t := &table{}
	t.add(heads...)
	for _, f := range first.Figures {
		cells := []string{f.Name, f.Unit.Format(f.Server.Value)}
		for _, other := range others {
			cells = append(cells, other[f.Name].Baseline.format(f.Unit), other[f.Name].Ratio.format(Times))
		}
		t.add(cells...)
	}
	return t
}

// pairs are the figures of the runs of one server, by name, with those of the other one in the place of the baseline.
func pairs(one, other []Run) map[string]Figure {
	var runs []Run
	for i := range min(len(one), len(other)) {
		run := one[i]
		run.Baseline = &other[i].Server
		runs = append(runs, run)
	}
	figures := map[string]Figure{}
	if len(runs) > 0 {
		for _, f := range Figures(runs) {
			figures[f.Name] = f
		}
	}
	return figures
}

// Faults returns the faults of all servers.
func (v Versus) Faults() []string {
	var all []string
	for _, server := range v.Servers {
		for _, fault := range server.Faults() {
			all = append(all, server.URL+": "+fault)
		}
	}
	return all
}
