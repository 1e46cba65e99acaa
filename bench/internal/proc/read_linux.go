package proc

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Read returns the total usage of the processes. The error names a process that does not exist or may not be read.
func Read(pids ...int) (Usage, error) {
	var all Usage
	for _, pid := range pids {
		u, err := read(pid)
		if err != nil {
			return Usage{}, describe(pid, err)
		}
		all = all.Add(u)
	}
	return all, nil
}

// CPU returns the total CPU time of the processes. It is far cheaper than Read.
func CPU(pids ...int) (time.Duration, error) {
	var all time.Duration
	for _, pid := range pids {
		used, err := cpu(pid)
		if err != nil {
			return 0, describe(pid, err)
		}
		all += used
	}
	return all, nil
}

// Memory returns the total RAM of the processes in bytes. It is cheaper than Read.
func Memory(pids ...int) (int64, error) {
	var all int64
	for _, pid := range pids {
		held, err := memory(directory(pid))
		if err != nil {
			return 0, describe(pid, err)
		}
		all += held
	}
	return all, nil
}

func describe(pid int, err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("proc: process %d belongs to another user: run as that user, or as root (%w)", pid, err)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.EINVAL), errors.Is(err, unix.ESRCH):
		return fmt.Errorf("proc: there is no process %d (%w)", pid, err)
	}
	return fmt.Errorf("proc: process %d: %w", pid, err)
}

func read(pid int) (u Usage, err error) {
	dir := directory(pid)
	if u.Memory, err = memory(dir); err != nil {
		return u, err
	}
	fds, err := os.ReadDir(filepath.Join(dir, "fd"))
	if err != nil {
		return u, err
	}
	u.Descriptors = len(fds)
	if u.Voluntary, u.Involuntary, err = switches(dir); err != nil {
		return u, err
	}
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return u, err
	}
	if u.User, u.System, err = parseStat(stat); err != nil {
		return u, err
	}
	u.CPU, err = cpu(pid)
	return u, err
}

func directory(pid int) string { return filepath.Join("/proc", strconv.Itoa(pid)) }

// cpu reads the process's CPU-time clock. /proc has the same time in ticks of 10 ms (stat), or in nanoseconds but without threads
// that have ended, and without what the running ones have used since the kernel last updated it (schedstat).
func cpu(pid int) (time.Duration, error) {
	const schedulerClock = 2 // CPUCLOCK_SCHED, as clock_getcpuclockid(3) encodes it
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|schedulerClock), &t); err != nil {
		return 0, err
	}
	return time.Duration(t.Nano()), nil
}

// memory returns the proportional set size in bytes. On kernels before 4.14, and for processes of other users, there is no
// smaps_rollup: then it returns the resident set size, which counts shared pages in full.
func memory(dir string) (int64, error) {
	if text, err := os.ReadFile(filepath.Join(dir, "smaps_rollup")); err == nil {
		kib, err := parseField(text, "Pss")
		return kib << 10, err
	}
	text, err := os.ReadFile(filepath.Join(dir, "statm"))
	if err != nil {
		return 0, err
	}
	pages, err := parseStatm(text)
	return pages * int64(os.Getpagesize()), err
}

// switches adds up the context switches of all threads: the process's own status has only those of its first thread.
func switches(dir string) (voluntary, involuntary int64, err error) {
	tasks, err := filepath.Glob(filepath.Join(dir, "task", "*"))
	if err != nil {
		return 0, 0, err
	}
	for _, task := range tasks {
		v, i, err := switchesOf(task)
		if errors.Is(err, fs.ErrNotExist) {
			continue // the thread has just ended
		}
		if err != nil {
			return 0, 0, err
		}
		voluntary, involuntary = voluntary+v, involuntary+i
	}
	return voluntary, involuntary, nil
}

// switchesOf reads the context switches of one thread.
func switchesOf(dir string) (voluntary, involuntary int64, err error) {
	text, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return 0, 0, err
	}
	voluntary, err1 := parseField(text, "voluntary_ctxt_switches")
	involuntary, err2 := parseField(text, "nonvoluntary_ctxt_switches")
	return voluntary, involuntary, errors.Join(err1, err2)
}

// DescriptorLimit returns a process's soft limit of open descriptors.
func DescriptorLimit(pid int) (int, error) {
	var limit unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &limit); err != nil {
		return 0, describe(pid, err)
	}
	return int(min(limit.Cur, 1<<30)), nil
}
