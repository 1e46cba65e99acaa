package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"reverbd/bench"
)

// run runs a scenario and shows the report.
func run(c *cli.Context, s bench.Scenario) error {
	if c.Args().Present() {
		return cli.Exit(fmt.Sprintf("%q is not a flag (see reverb-bench %s --help)", c.Args().First(), s.Name), exitUsage)
	}
	o, err := options(c, s)
	if err != nil {
		return err
	}
	asJSON, page := c.Bool("json"), c.String("html")
	if err := writable(page); err != nil {
		return err
	}
	report, err := watched(c.Context, o, asJSON)
	if err != nil {
		return withoutPrefix(err)
	}
	if err := show(report, asJSON); err != nil {
		return err
	}
	if err := writePage(report, page); err != nil {
		return err
	}
	if len(report.Faults()) > 0 {
		return errFaults
	}
	return nil
}

// watched runs a scenario with a progress line, unless the report is JSON.
func watched(ctx context.Context, o bench.Options, asJSON bool) (bench.Report, error) {
	if line := newProgress(); line != nil && !asJSON {
		o.Watch = line.watch
		defer line.end()
	}
	return bench.Run(ctx, o)
}

// withoutPrefix removes the prefix of package bench from an error.
func withoutPrefix(err error) error {
	if err == nil {
		return nil
	}
	return errors.New(strings.ReplaceAll(err.Error(), "bench: ", ""))
}

// show writes the report to standard output, as JSON or as text.
func show(report bench.Report, asJSON bool) error {
	if !asJSON {
		return report.Write(os.Stdout)
	}
	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(report)
}
