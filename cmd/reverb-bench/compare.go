package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"reverbd/bench"
)

// compareFlag takes the older report; the newer one is the next argument.
var compareFlag = &cli.StringFlag{
	Name: "compare", Usage: "show what is different between two reports of --json: --compare `OLD.json` NEW.json",
}

// compare shows the differences between two reports.
func compare(w io.Writer, files []string) error {
	if len(files) != 2 {
		return cli.Exit("--compare takes two reports: --compare OLD.json NEW.json", exitUsage)
	}
	before, err := readReport(files[0])
	if err != nil {
		return err
	}
	after, err := readReport(files[1])
	if err != nil {
		return err
	}
	return withoutPrefix(bench.Compare(w, before, after))
}

func readReport(file string) (r bench.Report, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return r, fmt.Errorf("--compare: %w", err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("--compare: %s is not a report of --json: %w", file, err)
	}
	return r, nil
}
