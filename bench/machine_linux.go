package bench

import (
	"runtime"

	"golang.org/x/sys/unix"

	"reverbd/bench/internal/report"
)

func machine() report.Machine {
	m := report.Machine{CPUs: runtime.NumCPU(), Arch: runtime.GOARCH}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		m.Kernel = unix.ByteSliceToString(name.Release[:])
	}
	return m
}
