// Package report has the results of runs: as a table, as JSON, and compared with an earlier report.
package report
