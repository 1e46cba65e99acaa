package bench

import "reverbd/bench/internal/report"

// Report is what Run returns. Its fields are documented where they are declared, and they are what --json writes.
type Report = report.Report

// Measurement is what one server did in a run.
type Measurement = report.Measurement
