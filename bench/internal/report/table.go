package report

import (
	"io"
	"strings"
	"unicode/utf8"
)

// table is text in columns: the first is aligned left, the others right.
type table struct {
	rows [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// write writes the table. A row with one cell does not affect the widths of the columns.
func (t *table) write(w io.Writer) error {
	widths := t.widths()
	var text strings.Builder
	for _, row := range t.rows {
		line := "  " + row[0]
		if len(row) > 1 {
			line += spaces(widths[0] - utf8.RuneCountInString(row[0]))
		}
		for i, cell := range row[1:] {
			line += spaces(3+widths[i+1]-utf8.RuneCountInString(cell)) + cell
		}
		text.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	_, err := io.WriteString(w, text.String())
	return err
}

func (t *table) widths() []int {
	var widths []int
	for _, row := range t.rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			if len(row) > 1 {
				widths[i] = max(widths[i], utf8.RuneCountInString(cell))
			}
		}
	}
	return widths
}

func spaces(n int) string { return strings.Repeat(" ", max(n, 0)) }
