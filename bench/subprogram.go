package bench

import (
	"fmt"
	"io"

	"reverbd/bench/internal/baseline"
	"reverbd/bench/internal/workers"
)

// Names of the programs that a run starts beside itself.
const (
	baselineProgram = "baseline"
	clientsProgram  = "clients"
)

// Subprograms is what a program has to hand to Subprogram when it is called with that name as its first argument.
var Subprograms = []string{baselineProgram, clientsProgram}

// Subprogram is the main function of the programs that Options.Self starts. It runs until in ends.
func Subprogram(name string, in io.Reader, out io.Writer) error {
	switch name {
	case baselineProgram:
		return baseline.Serve(in, out)
	case clientsProgram:
		return workers.Serve(in, out)
	}
	return fmt.Errorf("bench: no program %q", name)
}
