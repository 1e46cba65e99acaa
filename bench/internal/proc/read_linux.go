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

// Read returns the usage of the processes together. The error says which process is not there or not ours to look at.
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

// CPU returns the processor time that the processes have used together. It is far cheaper than Read.
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

// Memory returns the bytes of RAM that the processes hold together. It is cheaper than Read.
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

// cpu reads the process's clock. /proc has the same time in ticks of 10 ms (stat), or to the nanosecond but without the
// threads that have ended and what the running ones did since they were last looked at (schedstat).
func cpu(pid int) (time.Duration, error) {
	const schedulerClock = 2 // CPUCLOCK_SCHED; clock_getcpuclockid(3) makes the number so
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|schedulerClock), &t); err != nil {
		return 0, err
	}
	return time.Duration(t.Nano()), nil
}

// memory returns bytes. Kernels before 4.14, and processes of other users, have no smaps_rollup; then it is what is
// resident, with shared pages counted in full.
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

// switches adds up the context switches of all threads: the process's own status has only its first thread's.
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

// switchesOf reads those of one thread.
func switchesOf(dir string) (voluntary, involuntary int64, err error) {
	text, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return 0, 0, err
	}
	voluntary, err1 := parseField(text, "voluntary_ctxt_switches")
	involuntary, err2 := parseField(text, "nonvoluntary_ctxt_switches")
	return voluntary, involuntary, errors.Join(err1, err2)
}

// DescriptorLimit returns how many descriptors a process may have.
func DescriptorLimit(pid int) (int, error) {
	var limit unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &limit); err != nil {
		return 0, describe(pid, err)
	}
	return int(min(limit.Cur, 1<<30)), nil
}
