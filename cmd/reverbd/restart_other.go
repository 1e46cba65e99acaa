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
	program struct{}
	ward    struct{ first int }
)

func succeed(context.Context, program, []string, []*os.File, *ward) (*successor, error) {
	return nil, errors.New("restart is for Linux alone; stop the server and start it again")
}

func findProgram(string) program          { return program{} }
func adoptOrphans() error                 { return nil }
func newWard() (*ward, error)             { return nil, nil }
func inWard(*handover) *ward              { return nil }
func wardenFrom([]string) *ward           { return nil }
func (w *ward) isFirst() bool             { return false }
func (w *ward) announce(int)              {}
func (w *ward) orphaned() <-chan struct{} { return nil }
func (w *ward) latest() int               { return 0 }
func (w *ward) forward(os.Signal)         {}
func (w *ward) become(<-chan os.Signal)   {}
func (w *ward) watch() int                { return 0 }
func (s *successor) exitCode() int        { return exitFailure }
func (s *successor) terminate()           {}
func (p program) String() string          { return "" }
