//go:build race

package e2e

// raceFlags builds the server with the race detector when the tests run with it. The server then exits with 66 if it found one.
var raceFlags = []string{"-race"}
