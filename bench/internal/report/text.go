package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Write writes the runs of one scenario as text: their medians, and their spread.
func (g Group) Write(w io.Writer) error {
	repeats := ""
	if g.Repeats > 1 {
		repeats = fmt.Sprintf("; medians of %d runs", g.Repeats)
	}
	if _, err := fmt.Fprintf(w, "\n%s: %s%s\n\n", g.Scenario, g.Parameters, repeats); err != nil {
		return err
	}
	if err := g.table().write(w); err != nil {
		return err
	}
	for i, run := range g.Runs {
		if err := run.writeFaults(w, g.runName(i)); err != nil {
			return err
		}
	}
	if g.Runs[0].Server.Process == nil {
		_, err := io.WriteString(w, "  (--server-pid also measures the server's CPU and memory)\n")
		return err
	}
	return nil
}

// runName is the prefix of a line about one of several runs.
func (g Group) runName(i int) string {
	if g.Repeats == 1 {
		return ""
	}
	return fmt.Sprintf("run %d: ", i+1)
}

func (g Group) table() *table {
	t, baseline := &table{}, g.Runs[0].Baseline != nil
	heads := []string{"", "server"}
	if baseline {
		heads = append(heads, "baseline", "ratio")
	}
	if g.Repeats > 1 {
		heads = append(heads, "server, min .. max")
		if baseline {
			heads = append(heads, "ratio, min .. max")
		}
	}
	t.add(heads...)
	for _, f := range g.Figures {
		t.add(f.cells(baseline, g.Repeats > 1)...)
	}
	return t
}

// cells returns a figure's row of the table.
func (f Figure) cells(baseline, spreads bool) []string {
	cells := []string{f.Name, f.Unit.Format(f.Server.Value)}
	if baseline {
		cells = append(cells, f.Baseline.format(f.Unit), f.Ratio.format(Times))
	}
	if spreads {
		cells = append(cells, f.Server.span(f.Unit))
		if baseline {
			cells = append(cells, f.Ratio.span(Times))
		}
	}
	return cells
}

// format returns "" for a missing figure.
func (s *Spread) format(u Unit) string {
	if s == nil {
		return ""
	}
	return u.Format(s.Value)
}

// span returns the least and the greatest value, or "" if they are equal.
func (s *Spread) span(u Unit) string {
	if s == nil || s.Min == s.Max {
		return ""
	}
	return u.Format(s.Min) + " .. " + u.Format(s.Max)
}

// String returns the parameters in words.
func (p Parameters) String() string {
	words := []string{plural(p.Connections, "connection")}
	add := func(given bool, text string) {
		if given {
			words = append(words, text)
		}
	}
	add(p.Nodes > 1, plural(p.Nodes, "node"))
	add(p.Channels > 0, plural(p.Channels, "channel"))
	add(p.Each > 1, fmt.Sprintf("%d of them for each connection", p.Each))
	add(p.Private, "a private channel for each connection")
	add(p.RoomSize > 0, fmt.Sprintf("a tenth of them in presence channels of %d", p.RoomSize))
	add(p.PingInterval > 0, "pings every "+duration(p.PingInterval))
	add(p.Publishers > 0, plural(p.Publishers, "publisher"))
	add(p.NewConnections, "a connection for each request")
	add(p.Batch > 1, fmt.Sprintf("batches of %d", p.Batch))
	add(p.Rate > 0, figures(p.Rate)+" a second")
	add(p.Rate == 0 && p.PingInterval == 0, "as fast as it goes")
	add(p.Size > 0, fmt.Sprintf("%d bytes each", p.Size))
	add(p.Events > 0, plural(p.Events, "message"))
	add(p.Duration > 0, duration(p.Duration))
	add(p.Processes > 1, plural(p.Processes, "client process"))
	add(p.Compressed, "compressed")
	return strings.Join(words, ", ")
}

func plural(n int, noun string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(noun, "s"):
		noun += "es"
	default:
		noun += "s"
	}
	return grouped(int64(n)) + " " + noun
}

// writeFaults writes the faults of a run, each with the prefix.
func (r Run) writeFaults(w io.Writer, name string) error {
	var text strings.Builder
	for _, m := range []struct {
		name string
		m    *Measurement
	}{{name, &r.Server}, {name + "baseline: ", r.Baseline}} {
		if m.m == nil {
			continue
		}
		if m.m.Interrupted {
			fmt.Fprintf(&text, "  %sinterrupted: these are the figures up to then\n", m.name)
		}
		for _, fault := range m.m.Faults() {
			fmt.Fprintf(&text, "  FAULT: %s%s\n", m.name, fault)
		}
		for _, why := range m.m.reasons() {
			fmt.Fprintf(&text, "    %s\n", why)
		}
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// reasons returns why connections and messages failed, the most frequent first.
func (m *Measurement) reasons() []string {
	all := map[string]int{}
	maps.Copy(all, m.Connections.Reasons)
	if m.Messages != nil {
		maps.Copy(all, m.Messages.Reasons)
	}
	sorted := slices.SortedFunc(maps.Keys(all), func(a, b string) int {
		return cmp.Or(all[b]-all[a], strings.Compare(a, b))
	})
	for i, why := range sorted {
		sorted[i] = fmt.Sprintf("%s x %s", grouped(int64(all[why])), why)
	}
	return sorted
}

// Write writes the report as text.
func (r Report) Write(w io.Writer) error {
	for _, group := range r.Groups() {
		if err := group.Write(w); err != nil {
			return err
		}
	}
	return nil
}
