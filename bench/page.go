package bench

import (
	"io"

	"reverbd/bench/internal/page"
	"reverbd/bench/internal/report"
)

// WritePage writes a report as one self-contained HTML page.
func WritePage(w io.Writer, r Report) error { return page.Write(w, r) }

// Compare writes the differences between two reports as a table. It fails if they do not have the same scenarios with the same
// parameters.
func Compare(w io.Writer, before, after Report) error { return report.Compare(w, before, after) }
