//go:build !linux

package bench

import (
	"context"
	"errors"

	"reverbd/bench/internal/report"
)

// Run fails: the load tester needs Linux.
func Run(context.Context, Options) (report.Report, error) {
	return report.Report{}, errors.New("bench: reverb-bench runs only on Linux, whose epoll and /proc it is made of; " +
		"what it measures may run anywhere")
}
