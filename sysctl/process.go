package sysctl

import (
	"io/fs"
	"strings"
)

// Manager is the service manager that starts this process and sets its limits.
type Manager string

// The managers that Read distinguishes.
const (
	ByHand       Manager = "" // a shell, or something that is not known
	BySystemd    Manager = "systemd"
	BySupervisor Manager = "supervisor"
)

func (r reader) process(lookup func(string) (string, bool)) Process {
	status := r.status("self")
	p := Process{
		User:        r.userName(first(status["Uid"])),
		Descriptors: r.limit("self", "Max open files"),
		Threads:     r.limit("self", "Max processes").Soft,
		Open:        r.openDescriptors(),
		Container:   r.inContainer(lookup),
	}
	_, invoked := lookup("INVOCATION_ID")
	_, supervised := lookup("SUPERVISOR_ENABLED")
	unit := r.service()
	switch {
	case supervised, r.command(first(status["PPid"])) == "supervisord":
		p.Manager = BySupervisor
	case invoked && unit != "":
		p.Manager, p.Unit = BySystemd, unit
	}
	return p
}

// status reads /proc/PID/status.
func (r reader) status(pid string) map[string]string {
	text, _ := r.text("proc/" + pid + "/status")
	found := make(map[string]string)
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(line, ":")
		found[key] = strings.TrimSpace(value)
	}
	return found
}

// limit reads a line of /proc/PID/limits: its name, then the soft and the hard limit.
func (r reader) limit(pid, name string) Limit {
	text, _ := r.text("proc/" + pid + "/limits")
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, name)
		words := strings.Fields(rest)
		if ok && len(words) >= 2 {
			return Limit{parseNumber(words[0]), parseNumber(words[1])}
		}
	}
	return Limit{Unknown, Unknown}
}

func (r reader) openDescriptors() Number {
	entries, err := fs.ReadDir(r.root, "proc/self/fd")
	if err != nil {
		return Unknown
	}
	return Number(len(entries))
}

func (r reader) command(pid string) string {
	text, _ := r.text("proc/" + pid + "/comm")
	return strings.TrimSpace(text)
}

// running is a process of that name, "" if there is none. The oldest one comes first, as the master of its workers does.
func (r reader) running(name string) string {
	entries, _ := fs.ReadDir(r.root, "proc")
	oldest := Unknown
	pid := ""
	for _, e := range entries {
		n := parseNumber(e.Name())
		if !n.Known() || r.command(e.Name()) != name {
			continue
		}
		if !oldest.Known() || n < oldest {
			oldest, pid = n, e.Name()
		}
	}
	return pid
}

// userName looks a user id up in /etc/passwd.
func (r reader) userName(uid string) string {
	text, _ := r.text("etc/passwd")
	for line := range strings.Lines(text) {
		if fields := strings.Split(line, ":"); len(fields) > 2 && fields[2] == uid {
			return fields[0]
		}
	}
	return uid
}

// service is the unit that the control group of this process is named after, "" if it belongs to no service.
func (r reader) service() string {
	for _, g := range r.memberships() {
		if g.controllers != "" && g.controllers != "name=systemd" {
			continue
		}
		last := g.path[strings.LastIndexByte(g.path, '/')+1:]
		if strings.HasSuffix(last, ".service") && !strings.HasPrefix(last, "user@") {
			return last
		}
	}
	return ""
}

func (r reader) inContainer(lookup func(string) (string, bool)) bool {
	_, kubernetes := lookup("KUBERNETES_SERVICE_HOST")
	_, told := lookup("container")
	return kubernetes || told || r.exists(".dockerenv") || r.exists("run/.containerenv")
}

func first(s string) string {
	s, _, _ = strings.Cut(s, "\t")
	return s
}

// cpus counts the CPUs that this process may run on, whatever the quota.
func (r reader) cpus() Number {
	total := Number(0)
	for _, c := range parseRanges(r.status("self")["Cpus_allowed_list"]) {
		total = total.plus(c.Size())
	}
	if total == 0 {
		return Unknown
	}
	return total
}
