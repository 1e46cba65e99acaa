package bench

import (
	"fmt"
	"io"

	"reverbd/bench/internal/crew"
	"reverbd/bench/internal/floor"
)

// Names of the programs that a run starts beside itself.
const (
	floorProgram   = "floor"
	clientsProgram = "clients"
)

// Subprograms is what a program has to hand to Subprogram when it is called with that name as its first argument.
var Subprograms = []string{floorProgram, clientsProgram}

// Subprogram is the main function of the programs that Options.Self starts. It runs until in ends.
func Subprogram(name string, in io.Reader, out io.Writer) error {
	switch name {
	case floorProgram:
		return floor.Serve(in, out)
	case clientsProgram:
		return crew.Serve(in, out)
	}
	return fmt.Errorf("bench: no program %q", name)
}
