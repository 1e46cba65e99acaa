//go:build !linux

package main

import (
	"context"
	"errors"
	"os"
)

type (
	successor struct {
		pid   int
		ended chan struct{}
	}
	program    struct{}
	supervisor struct{ first int }
)

func startSuccessor(context.Context, program, []string, []*os.File, *os.File, *supervisor) (*successor, error) {
	return nil, errors.New("restart is for Linux alone; stop the server and start it again")
}

func findProgram(string) program                  { return program{} }
func adoptOrphans() error                         { return nil }
func newSupervisor() (*supervisor, error)         { return nil, nil }
func inheritedSupervisor(*handover) *supervisor   { return nil }
func stubFrom([]string) *supervisor               { return nil }
func (v *supervisor) isFirst() bool               { return false }
func (v *supervisor) announce(int)                {}
func (v *supervisor) announceStop()               {}
func (v *supervisor) orphaned() <-chan struct{}   { return nil }
func (v *supervisor) latest() int                 { return 0 }
func (v *supervisor) forward(os.Signal)           {}
func (v *supervisor) becomeStub(<-chan os.Signal) {}
func (v *supervisor) runStub() int                { return 0 }
func (s *successor) exitCode() int                { return exitFailure }
func (s *successor) terminate()                   {}
func (p program) String() string                  { return "" }
