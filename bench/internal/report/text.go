package report

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Write writes a run for people.
func (r Run) Write(w io.Writer) error {
	t := &table{}
	if r.Floor == nil {
		t.add("", "server")
	} else {
		t.add("", "server", "floor", "ratio")
	}
	lines{t, r}.all()
	if _, err := fmt.Fprintf(w, "\n%s: %s\n\n", r.Scenario, r.Parameters); err != nil {
		return err
	}
	if err := t.write(w); err != nil {
		return err
	}
	return r.writeFaults(w)
}

// String is the parameters in words.
func (p Parameters) String() string {
	words := []string{plural(p.Connections, "connection")}
	add := func(given bool, text string) {
		if given {
			words = append(words, text)
		}
	}
	add(p.Channels > 0, plural(p.Channels, "channel"))
	add(p.Publishers > 0, plural(p.Publishers, "publisher"))
	add(p.Batch > 1, fmt.Sprintf("batches of %d", p.Batch))
	add(p.Rate > 0, figures(p.Rate)+" a second")
	add(p.Rate == 0, "as fast as it goes")
	add(p.Size > 0, fmt.Sprintf("%d bytes each", p.Size))
	add(p.Events > 0, plural(p.Events, "message"))
	add(p.Duration > 0, duration(p.Duration))
	add(p.Processes > 1, plural(p.Processes, "client process"))
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

func (r Run) writeFaults(w io.Writer) error {
	var text strings.Builder
	for _, m := range []struct {
		name string
		m    *Measurement
	}{{"", &r.Server}, {"floor: ", r.Floor}} {
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

// reasons lists why connections and messages failed, the most frequent first.
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

// Write writes the report for people.
func (r Report) Write(w io.Writer) error {
	for _, run := range r.Runs {
		if err := run.Write(w); err != nil {
			return err
		}
	}
	return nil
}
