package bench

import (
	"context"

	"reverbd/bench/internal/report"
)

// everything runs all scenarios, one after the other.
func everything(ctx context.Context, o Options, result report.Report) (report.Report, error) {
	var err error
	for all := o.everything(); len(all) > 0 && err == nil && ctx.Err() == nil; all = all[1:] {
		var one report.Report
		one, err = Run(ctx, all[0])
		result.Runs = append(result.Runs, one.Runs...)
	}
	return result, err
}
