package bench

import "reverbd/bench/internal/report"

// Report is the result of Run. --json writes its fields, which are documented at their declaration.
type Report = report.Report

// Measurement is the result of one subject in a run: the server, or the baseline.
type Measurement = report.Measurement
