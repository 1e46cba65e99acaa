package bench

import (
	"fmt"
	"io"

	"reverbd/bench/internal/baseline"
	"reverbd/bench/internal/workers"
)

// Names of the subprograms.
const (
	baselineProgram = "baseline"
	clientsProgram  = "clients"
)

// Subprograms are the names for which a program must call Subprogram, when one is its first argument.
var Subprograms = []string{baselineProgram, clientsProgram}

// Subprogram is the main function of the processes that Options.Self starts. It returns when in ends.
func Subprogram(name string, in io.Reader, out io.Writer) error {
	switch name {
	case baselineProgram:
		return baseline.Serve(in, out)
	case clientsProgram:
		return workers.Serve(in, out)
	}
	return fmt.Errorf("bench: no program %q", name)
}
