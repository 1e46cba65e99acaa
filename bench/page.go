package bench

import (
	"io"

	"reverbd/bench/internal/page"
	"reverbd/bench/internal/report"
)

// WritePage writes a report as one HTML page that needs nothing else.
func WritePage(w io.Writer, r Report) error { return page.Write(w, r) }

// Compare writes what is different in the report after, as a table. It fails if the two are not of the same scenarios with
// the same parameters.
func Compare(w io.Writer, before, after Report) error { return report.Compare(w, before, after) }
