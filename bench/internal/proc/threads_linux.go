package proc

import (
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// ReadThreads is Read, but CPU time and context switches are those of the given threads only. The CPU time of a running thread lags
// a little.
func ReadThreads(pid int, threads []int) (Usage, error) {
	u, err := Read(pid)
	if err != nil {
		return u, err
	}
	u.CPU, u.Voluntary, u.Involuntary = 0, 0, 0
	for _, thread := range threads {
		dir := filepath.Join(directory(pid), "task", strconv.Itoa(thread))
		text, err := os.ReadFile(filepath.Join(dir, "schedstat"))
		if err != nil {
			return u, describe(pid, err)
		}
		ran, err := parseSchedstat(text)
		if err != nil {
			return u, describe(pid, err)
		}
		voluntary, involuntary, err := switchesOf(dir)
		if err != nil {
			return u, describe(pid, err)
		}
		u.CPU += time.Duration(ran)
		u.Voluntary += voluntary
		u.Involuntary += involuntary
	}
	return u, nil
}
