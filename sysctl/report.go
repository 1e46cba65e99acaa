package sysctl

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Style is the layout of Text.
type Style struct {
	Color   bool
	Width   int  // columns; 0 is 110
	Verbose bool // findings that are OK are shown like the others, not in one line each
}

const defaultWidth = 110

// Text writes the findings as text: a table of what was checked, what is there and what is needed, and below each line the
// arithmetic and what to change. What is OK is one line, except in a verbose report.
func Text(w io.Writer, findings []Finding, s Style) error {
	t := s.table(findings)
	var b strings.Builder
	t.row(&b, "", checked, "THERE IS", "NEEDED", func(text string) string { return text })
	for _, f := range findings {
		if f.Level == OK && !s.Verbose {
			f = Finding{Check: f.Check, Level: f.Level, Found: oneLine(f.Found, t.found), Need: oneLine(f.Need, t.need)}
		}
		t.row(&b, f.Level.String(), f.Check, f.Found, f.Need, func(text string) string { return s.paint(f.Level, text) })
		if f.Why != "" {
			t.below(&b, "", f.Why)
		}
		for _, fix := range f.Fixes {
			t.below(&b, "-> ", fix.String())
		}
	}
	b.WriteString("\n" + summary(findings) + "\n")
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("sysctl: writing the report: %w", err)
	}
	return nil
}

// table has the widths of the columns.
type table struct{ level, check, found, need int }

const (
	checked   = "CHECKED"
	gap       = "  "
	narrowest = 16
)

func (s Style) table(findings []Finding) table {
	t := table{level: len(Warning.String()), check: len(checked)}
	for _, f := range findings {
		t.check = max(t.check, len(f.Check))
	}
	width := s.Width
	if width <= 0 {
		width = defaultWidth
	}
	rest := width - t.level - t.check - 3*len(gap)
	t.found = max(narrowest, rest*3/5)
	t.need = max(narrowest, rest-t.found)
	return t
}

// row writes one line of the table, and more where a cell does not fit.
func (t table) row(b *strings.Builder, level, check, found, need string, paint func(string) string) {
	left, right := wrap(found, t.found), wrap(need, t.need)
	for i := range max(len(left), len(right)) {
		line := pad("", t.level+len(gap)+t.check) + gap
		if i == 0 {
			line = paint(pad(level, t.level)) + gap + pad(check, t.check) + gap
		}
		line += pad(at(left, i), t.found) + gap + at(right, i)
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

// oneLine returns what of a cell fits into a line of the width, with dots for the rest.
func oneLine(cell string, width int) string {
	const dots = "..."
	if len(wrap(cell, width)) <= 1 {
		return cell
	}
	return at(wrap(cell, width-len(dots)), 0) + dots
}

// below writes text under the row, behind a mark.
func (t table) below(b *strings.Builder, mark, text string) {
	width := t.check + t.found + t.need + 2*len(gap) - len(mark)
	for i, line := range wrap(text, width) {
		if i > 0 {
			mark = pad("", len(mark))
		}
		b.WriteString(pad("", t.level) + gap + mark + line + "\n")
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

func summary(findings []Finding) string {
	var count [Fatal + 1]int
	for _, f := range findings {
		count[f.Level]++
	}
	return fmt.Sprintf("%d fatal, %d %s, %d ok", count[Fatal], count[Warning], plural(count[Warning], "warning"), count[OK])
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

func pad(s string, width int) string { return s + strings.Repeat(" ", max(0, width-len(s))) }

// paint colours a word by its level.
func (s Style) paint(l Level, text string) string {
	if !s.Color {
		return text
	}
	return [...]string{"\x1b[32m", "\x1b[33m", "\x1b[1;31m"}[l] + text + "\x1b[0m"
}

// wrap breaks text into lines of that width, between words. Text from files is untrusted, so control characters are
// made visible.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(printable(text)) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}

// JSON writes the findings as JSON.
func JSON(w io.Writer, findings []Finding, n Need) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	err := e.Encode(struct {
		Connections Number    `json:"connections"`
		Level       Level     `json:"level"`
		Findings    []Finding `json:"findings"`
	}{n.Connections, Worst(findings), findings})
	if err != nil {
		return fmt.Errorf("sysctl: writing the report: %w", err)
	}
	return nil
}
