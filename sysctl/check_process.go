package sysctl

import (
	"fmt"
	"math"
	"strconv"
)

// Threads of a Go program: one a CPU that runs it, those that wait in system calls, and the runtime's own.
const spareThreads = 32

// checkTasks compares pids.max of the control group and the user's limit on processes, of which each thread is one.
func checkTasks(f Facts, n Need) Finding {
	const check = "pids.max"
	need := Number(2*n.Loops + spareThreads)
	why := fmt.Sprintf("threads: %d event loops x 2 + %d for system calls and the runtime", n.Loops, spareThreads)
	if f.Group.Tasks.Known() {
		room := f.Group.Tasks - max(f.Group.TasksUsed, 0)
		return finding(check, levelOf(room < need/2, room < need), fmt.Sprintf("%s, of which %s are free", f.Group.Tasks, room),
			need.String(), why, f.groupFix("TasksMax", "--pids-limit", "pids_limit", strconv.FormatInt(int64(need+max(f.Group.TasksUsed, 0))+64, 10))...)
	}
	if !f.Process.Threads.Known() {
		return finding(check, OK, "no limit", need.String(), why)
	}
	user := f.Process.User
	return finding(check, levelOf(f.Process.Threads < need/2, f.Process.Threads < need*2), f.Process.Threads.String()+" (the user's, ulimit -u)",
		need.String(), why+", beside what else the user runs", Fix{
			File: "/etc/security/limits.d/60-reverbd.conf", Lines: []string{user + " soft nproc 4096", user + " hard nproc 4096"},
			Apply: "log in again as " + user,
		})
}

// checkCPU: more event loops than CPUs, or than the quota allows, only alternate.
func checkCPU(f Facts, n Need) Finding {
	const check = "cpu"
	if !f.CPUs.Known() {
		return unknownFact(check, "CPUs, and what the control group allows of them")
	}
	can := float64(f.CPUs)
	found := fmt.Sprintf("%s CPUs", f.CPUs)
	if f.CPUs == 1 {
		found = "1 CPU"
	}
	if f.Group.CPUs > 0 {
		found += fmt.Sprintf(", a quota of %.4g", f.Group.CPUs)
		can = min(can, f.Group.CPUs)
	}
	loops := max(1, int(math.Round(can)))
	why := fmt.Sprintf("%d event loops (--reactors); more of them than CPUs take turns, and a quota that is used up stops them all "+
		"until its period ends", n.Loops)
	fixes := []Fix{{Say: fmt.Sprintf("start the server with --reactors %d (or REVERB_REACTORS=%[1]d)", loops)}}
	if f.Group.CPUs > 0 && f.Group.CPUs < 1 {
		fixes = f.groupFix("CPUQuota", "--cpus", "cpus", map[bool]string{true: "100%", false: "1"}[f.unitName() != ""])
		return finding(check, Warning, found, "1 CPU", "with less than one CPU even one event loop is stopped in each period, and all connections wait", fixes...)
	}
	return finding(check, levelOf(false, n.Loops > loops), found, fmt.Sprintf("%d", n.Loops), why, fixes...)
}

// checkClock: a request of the API is signed with the time.
func checkClock(f Facts, n Need) Finding {
	const check = "clock"
	if n.Tolerance == 0 {
		return Finding{}
	}
	why := fmt.Sprintf("a request to the API whose auth_timestamp is more than %s seconds from this clock is refused", seconds(n.Tolerance))
	if !f.Clock.Known {
		return unknownFact(check, why)
	}
	found := "synchronised"
	if !f.Clock.Synchronised {
		found = "not synchronised by a program on this machine"
	}
	fix := Fix{Say: "keep the clock right: apt-get install systemd-timesyncd (or chrony), and timedatectl set-ntp true"}
	if f.Process.Container {
		fix.Say = "keep the clock of the host right: a container has no other (systemd-timesyncd or chrony there)"
	}
	return finding(check, levelOf(false, !f.Clock.Synchronised), found, "synchronised", why, fix)
}
