package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"reverbd/bench"
)

// run carries out a scenario and shows the report.
func run(c *cli.Context, s bench.Scenario) error {
	if c.Args().Present() {
		return cli.Exit(fmt.Sprintf("%q is not a flag (see reverb-bench %s --help)", c.Args().First(), s.Name), exitUsage)
	}
	o, err := options(c, s)
	if err != nil {
		return err
	}
	report, err := bench.Run(c.Context, o)
	if err != nil {
		return fmt.Errorf("%s", strings.ReplaceAll(err.Error(), "bench: ", ""))
	}
	if err := show(report, c.Bool("json")); err != nil {
		return err
	}
	if len(report.Faults()) > 0 {
		return errFaults
	}
	return nil
}

// show writes the report to standard output, for programs or for people.
func show(report bench.Report, asJSON bool) error {
	if !asJSON {
		return report.Write(os.Stdout)
	}
	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(report)
}
