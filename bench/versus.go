package bench

import (
	"context"
	"errors"
	"fmt"

	"reverbd/bench/internal/report"
)

// Versus is the result of RunVersus.
type Versus = report.Versus

var errOneServer = errors.New("bench: --with: another server to compare with is missing")

// RunVersus runs scenarios against several servers, Options.Repeat times in all: each scenario against one server after the other, so
// that what changes on the machine meanwhile concerns all of them. The servers' Options may differ in URLs and ServerPIDs; Connections
// and Duration have the meaning that they have in the scenario all.
func RunVersus(ctx context.Context, servers []Options, scenarios []string) (Versus, error) {
	result := Versus{Servers: make([]Report, len(servers))}
	if len(servers) < 2 {
		return result, errOneServer
	}
	for range servers[0].Repeat {
		for _, name := range scenarios {
			if ctx.Err() != nil {
				break // with what has been measured until then
			}
			if err := round(ctx, &result, servers, name); err != nil {
				return result, err
			}
		}
	}
	return result, nil
}

// round runs one scenario once against each server.
func round(ctx context.Context, result *Versus, servers []Options, name string) error {
	s, known := find(name)
	if !known || s.Name == allName {
		return fmt.Errorf("bench: --scenario: there is no scenario %q", name)
	}
	for i, o := range servers {
		if err := runInto(ctx, &result.Servers[i], o.of(s)); err != nil {
			return err
		}
	}
	return nil
}

// runInto runs a scenario once and adds the run to the report.
func runInto(ctx context.Context, all *Report, o Options) error {
	o.Repeat, o.Baseline = 1, false
	one, err := Run(ctx, o)
	if err != nil {
		return err
	}
	if len(all.Runs) == 0 {
		*all = one
		return nil
	}
	all.Runs = append(all.Runs, one.Runs...)
	return nil
}
