package report

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
)

// Compare writes a table of the differences between two reports. A change is marked when the two sets of runs do not overlap: when
// every run of one report is better than every run of the other.
func Compare(w io.Writer, before, after Report) error {
	old, now := before.Groups(), after.Groups()
	if err := comparable(old, now); err != nil {
		return err
	}
	var text strings.Builder
	for _, line := range elsewhere(before, after) {
		text.WriteString(line + "\n")
	}
	for i := range old {
		fmt.Fprintf(&text, "\n%s: %s; %s before, %s after\n\n", old[i].Scenario, old[i].Parameters,
			plural(old[i].Repeats, "run"), plural(now[i].Repeats, "run"))
		t := &table{}
		t.add("", "before", "after", "change", "")
		for _, c := range changes(old[i], now[i]) {
			t.add(c.cells()...)
		}
		if err := t.write(&text); err != nil {
			return err
		}
		if old[i].Repeats < 2 || now[i].Repeats < 2 {
			text.WriteString("  (with --repeat 5 for both reports, changes beyond the spread of the runs are marked)\n")
		}
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// comparable returns an error if two reports cannot be compared.
func comparable(old, now []Group) error {
	if len(old) == 0 || len(now) == 0 {
		return errors.New("bench: --compare: a report without a run")
	}
	if a, b := scenarios(old), scenarios(now); a != b {
		return fmt.Errorf("bench: --compare: the reports are of different scenarios: %s, and %s", a, b)
	}
	for i := range old {
		if !old[i].like(now[i].Runs[0]) {
			return fmt.Errorf("bench: --compare: %s was carried out with different options: %s, and %s",
				old[i].Scenario, old[i].Parameters, now[i].Parameters)
		}
	}
	return nil
}

func scenarios(groups []Group) string {
	var names []string
	for _, g := range groups {
		names = append(names, g.Scenario)
	}
	return strings.Join(names, ", ")
}

// elsewhere notes that two reports are of different machines or load testers.
func elsewhere(before, after Report) (lines []string) {
	add := func(what string, old, now any) {
		if old != now {
			lines = append(lines, fmt.Sprintf("note: different %s: %v before, %v after", what, old, now))
		}
	}
	add("numbers of CPUs", before.Machine.CPUs, after.Machine.CPUs)
	add("kernels", before.Machine.Kernel, after.Machine.Kernel)
	add("architectures", before.Machine.Arch, after.Machine.Arch)
	add("versions of reverb-bench", before.Version, after.Version)
	return lines
}

// change is one figure in two reports.
type change struct {
	name     string
	unit     Unit
	old, now Spread
	sure     bool // both reports have several runs
}

// changes returns the figures that both reports have, each followed by its ratio to the baseline.
func changes(old, now Group) (all []change) {
	sure := old.Repeats > 1 && now.Repeats > 1
	byName := map[string]Figure{}
	for _, f := range now.Figures {
		byName[f.Name] = f
	}
	for _, f := range old.Figures {
		other, both := byName[f.Name]
		if !both {
			continue
		}
		all = append(all, change{f.Name, f.Unit, f.Server, other.Server, sure})
		if f.Ratio != nil && other.Ratio != nil && f.Unit.better() < 0 {
			all = append(all, change{"  x baseline", Times, *f.Ratio, *other.Ratio, sure})
		}
	}
	return all
}

func (c change) cells() []string {
	return []string{c.name, c.unit.Format(c.old.Value), c.unit.Format(c.now.Value), c.percent(), c.mark()}
}

func (c change) percent() string {
	switch c.old.Value {
	case c.now.Value:
		return "="
	case 0:
		return "new"
	}
	x := 100 * (c.now.Value - c.old.Value) / math.Abs(c.old.Value)
	return fmt.Sprintf("%+.1f %%", x)
}

// mark returns "better" or "WORSE" for a change beyond the spread of the runs, and for every change of faults.
func (c change) mark() string {
	up, down := c.now.Min > c.old.Max, c.now.Max < c.old.Min
	if c.unit == Fault {
		up, down = c.now.Value > c.old.Value, c.now.Value < c.old.Value
	}
	switch good := c.unit.better(); {
	case !up && !down, good == 0, !c.sure && c.unit != Fault:
		return ""
	case up == (good > 0):
		return "better"
	}
	return "WORSE"
}
