package sysctl

import (
	"path"
	"slices"
	"strings"
)

// membership is one line of /proc/self/cgroup. Version 2 has one line, with no controllers in it.
type membership struct{ controllers, path string }

func (r reader) memberships() []membership {
	text, _ := r.text("proc/self/cgroup")
	var found []membership
	for line := range strings.Lines(text) {
		if parts := strings.SplitN(strings.TrimSpace(line), ":", 3); len(parts) == 3 {
			found = append(found, membership{parts[1], parts[2]})
		}
	}
	return found
}

// mount is the mount point of a hierarchy of control groups, and the part of the hierarchy that is mounted.
type mount struct{ root, point, kind, options string }

func (r reader) groupMounts() []mount {
	text, _ := r.text("proc/self/mountinfo")
	var found []mount
	for line := range strings.Lines(text) {
		// 31 23 0:28 ROOT POINT options ... - TYPE source OPTIONS
		before, after, ok := strings.Cut(line, " - ")
		left, right := strings.Fields(before), strings.Fields(after)
		if ok && len(left) > 4 && len(right) > 2 && strings.HasPrefix(right[0], "cgroup") {
			found = append(found, mount{left[3], left[4], right[0], right[2]})
		}
	}
	return found
}

// groupDirs returns the directories of the group that this process is in and of those above it, for a controller. The process may
// see only the lower part of the hierarchy, as in a container.
func (r reader) groupDirs(controller string) (dirs []string, version int) {
	members, mounts := r.memberships(), r.groupMounts()
	for _, version := range []int{1, 2} {
		m, ok := belongs(members, version, controller)
		at, mounted := shows(mounts, version, controller)
		if !ok || !mounted {
			continue
		}
		rest := strings.TrimPrefix(m.path, strings.TrimSuffix(at.root, "/"))
		dir := path.Join(at.point, rest)
		if !r.exists(dir) {
			dir = at.point
		}
		for ; strings.HasPrefix(dir, at.point); dir = path.Dir(dir) {
			dirs = append(dirs, dir)
		}
		return dirs, version
	}
	return nil, 0
}

func belongs(members []membership, version int, controller string) (membership, bool) {
	for _, m := range members {
		if version == 2 && m.controllers == "" || version == 1 && slices.Contains(strings.Split(m.controllers, ","), controller) {
			return m, true
		}
	}
	return membership{}, false
}

func shows(mounts []mount, version int, controller string) (mount, bool) {
	for _, m := range mounts {
		if version == 2 && m.kind == "cgroup2" ||
			version == 1 && m.kind == "cgroup" && slices.Contains(strings.Split(m.options, ","), controller) {
			return m, true
		}
	}
	return mount{}, false
}

func unlimitedGroup() Group {
	return Group{Memory: Unknown, Used: Unknown, Tasks: Unknown, TasksUsed: Unknown}
}

func (r reader) group() Group {
	g := unlimitedGroup()
	r.groupMemory(&g)
	r.groupTasks(&g)
	r.groupCPU(&g)
	return g
}

// groupMemory finds the group with the least room: a group above may be the stricter one.
func (r reader) groupMemory(g *Group) {
	dirs, version := r.groupDirs("memory")
	g.Version = max(g.Version, version)
	limit, used, reclaimable := "memory.max", "memory.current", "inactive_file"
	if version == 1 {
		limit, used, reclaimable = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
	}
	for _, dir := range dirs {
		most := r.number(path.Join(dir, limit))
		// Version 1 writes "no limit" as the largest multiple of a page.
		if !most.Known() || most >= 1<<60 || g.Memory.Known() && most >= g.Memory {
			continue
		}
		text, _ := r.text(path.Join(dir, "memory.stat"))
		g.Memory = most
		g.Used = r.number(path.Join(dir, used))
		if cache := of(sizes(text), reclaimable); cache.Known() && g.Used >= cache {
			g.Used -= cache
		}
	}
}

func (r reader) groupTasks(g *Group) {
	dirs, version := r.groupDirs("pids")
	g.Version = max(g.Version, version)
	for _, dir := range dirs {
		most := r.number(path.Join(dir, "pids.max"))
		if most.Known() && most != Unlimited && (!g.Tasks.Known() || most < g.Tasks) {
			g.Tasks, g.TasksUsed = most, r.number(path.Join(dir, "pids.current"))
		}
	}
}

func (r reader) groupCPU(g *Group) {
	dirs, version := r.groupDirs("cpu")
	g.Version = max(g.Version, version)
	for _, dir := range dirs {
		quota, period := r.field(path.Join(dir, "cpu.max"), 0), r.field(path.Join(dir, "cpu.max"), 1)
		if version == 1 {
			quota, period = r.number(path.Join(dir, "cpu.cfs_quota_us")), r.number(path.Join(dir, "cpu.cfs_period_us"))
		}
		if quota <= 0 || quota == Unlimited || period <= 0 {
			continue
		}
		if cpus := float64(quota) / float64(period); g.CPUs == 0 || cpus < g.CPUs {
			g.CPUs = cpus
		}
	}
}
