package main

import (
	"errors"
	"fmt"
	"os"

	"reverbd/bench"
)

// writable returns an error if the page cannot be written. It changes nothing on disk.
func writable(file string) error {
	if file == "" {
		return nil
	}
	_, missing := os.Stat(file)
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("--html: %w", err)
	}
	if missing != nil {
		_ = os.Remove(file)
	}
	return f.Close()
}

// writePage writes the report to a file, unless its name is empty.
func writePage(report bench.Report, file string) error {
	if file == "" {
		return nil
	}
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("--html: %w", err)
	}
	if err := errors.Join(bench.WritePage(f, report), f.Close()); err != nil {
		return fmt.Errorf("--html: %w", err)
	}
	return nil
}
