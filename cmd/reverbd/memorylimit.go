package main

import (
	"math"
	"os"
	"runtime/debug"

	"go.uber.org/zap"

	"reverbd/cmd/reverbd/config"
	"reverbd/sysctl"
)

// limitMemory sets the memory limit of Go's runtime, unless the environment does, and returns how much may wait in memory for clients:
// half of the limit. Near the limit the runtime collects garbage more often instead of growing, so that the kernel need not end the
// process.
func limitMemory(conf config.Config, log *zap.Logger) (budget int64) {
	_, given := os.LookupEnv("GOMEMLIMIT")
	limit := memoryLimit(conf.MemoryLimit, given, debug.SetMemoryLimit(-1), sysctl.Read(thisMachine()).MemoryLimit())
	if limit == 0 {
		log.Info("neither the machine nor its control group tells how much memory there is: what waits for clients has no common limit")
		return 0
	}
	if !given {
		debug.SetMemoryLimit(limit)
	}
	return limit / 2
}

// memoryLimit returns the number of bytes that the process is to use, 0 if that is not known. configured is memory_limit; goLimit is that
// of the runtime, which counts if the environment has set it; machine is what the machine and the control group allow. A tenth of that
// is left for what the runtime does not count: the stacks of the kernel's threads, and the program itself.
func memoryLimit(configured int64, given bool, goLimit int64, machine sysctl.Number) int64 {
	switch {
	case configured > 0:
		return configured
	case given && goLimit < math.MaxInt64:
		return goLimit
	case !machine.Known() || machine == sysctl.Unlimited:
		return 0
	}
	return int64(machine) / 10 * 9
}
