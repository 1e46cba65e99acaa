// Package report is the result of a run: what was measured, as a table for people, as JSON for programs, and compared with
// another one.
package report
