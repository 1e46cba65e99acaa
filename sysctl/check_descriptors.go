package sysctl

import "fmt"

// descriptors returns the number that the server needs, and the arithmetic.
func (n Need) descriptors(f Facts) (need Number, why string) {
	open := max(f.Process.Open, minOpen)
	each, loops := n.DescriptorsEach, Number(n.Loops)
	need = n.Connections.times(each).plus(open).plus(loops.times(n.DescriptorsLoop)).plus(n.DescriptorsSpare)
	return need, fmt.Sprintf("%s connections x %s (with TLS in the process or without) + %s in use + %s event loops x %s + %s spare",
		n.Connections, each, open, loops, n.DescriptorsLoop, n.DescriptorsSpare)
}

// minOpen is the least number of descriptors that a server has open before it listens.
const minOpen = 12

// limit returns the hard limit that the server will run under, and its source. Go raises the soft limit to it.
func (f Facts) limit() (hard Number, from string) {
	own := f.Process.Descriptors
	switch {
	case f.Process.Manager != ByHand:
		return own.Hard, fmt.Sprintf("of this process, under %s", f.Process.Manager)
	case f.Unit != nil && f.Unit.Problem == "":
		from = "systemd's default"
		if f.Unit.From != "" {
			from = "LimitNOFILE in " + f.Unit.From
		}
		return f.Unit.Descriptors.Hard, from
	case f.Supervisor != nil && f.Supervisor.Problem == "":
		return f.Supervisor.gives()
	}
	return own.Hard, "of this process"
}

// gives returns the hard limit of processes that supervisor starts: supervisor raises its own to minfds at its start, and never lowers it.
func (s *Supervisor) gives() (hard Number, from string) {
	if s.Running.Hard.Known() && s.Running.Hard >= s.MinFDs {
		return s.Running.Hard, "of the supervisord that runs"
	}
	return s.MinFDs, "minfds in " + s.File
}

func checkDescriptors(f Facts, n Need) Finding {
	const check = "descriptors"
	need, why := n.descriptors(f)
	hard, from := f.limit()
	if f.Unit != nil && f.Unit.Problem != "" && f.Process.Manager == ByHand {
		return finding(check, Warning, f.Unit.Name+": "+f.Unit.Problem, need.String(), why,
			Fix{Say: "name a unit that systemd has, or its file, with --systemd"})
	}
	if !hard.Known() {
		return unknownFact(check, why)
	}
	found := fmt.Sprintf("%s (the hard limit %s)", hard, from)
	if soft := f.Process.Descriptors.Soft; from == "of this process" && soft < hard {
		found = fmt.Sprintf("%s (the hard limit; Go raises the soft one, %s, to it)", hard, soft)
	}
	return finding(check, levelOf(hard < need, false), found, need.String(), why, f.raiseDescriptors(need.generous())...)
}

// raiseDescriptors returns the changes that make the service manager raise the limit.
func (f Facts) raiseDescriptors(to Number) []Fix {
	switch {
	case f.Process.Manager == BySupervisor, f.Process.Manager == ByHand && f.Unit == nil && f.Supervisor != nil:
		return append(f.minFDs(to), f.containerLimit(to)...)
	case f.unitName() != "":
		return []Fix{f.dropIn(f.unitName(), fmt.Sprintf("LimitNOFILE=%d", to))}
	case f.Process.Container:
		return f.containerLimit(to)
	}
	user := f.Process.User
	return []Fix{{
		File:  "/etc/security/limits.d/60-reverbd.conf",
		Lines: []string{fmt.Sprintf("%s soft nofile %d", user, to), fmt.Sprintf("%s hard nofile %d", user, to)},
		Apply: "log in again as " + user,
	}}
}

func (f Facts) containerLimit(to Number) []Fix {
	if !f.Process.Container {
		return nil
	}
	return []Fix{{Say: fmt.Sprintf("give the container the limit: docker run --ulimit nofile=%d:%[1]d, "+
		"or ulimits: {nofile: {soft: %[1]d, hard: %[1]d}} of the service in compose.yaml", to)}}
}

// minFDs sets minfds in supervisor's file.
func (f Facts) minFDs(to Number) []Fix {
	const (
		command = "systemctl restart supervisor"
		must    = "supervisord must be started by root, or with a hard limit as high"
	)
	line := fmt.Sprintf("minfds=%d", to)
	if s := f.Supervisor; s != nil && s.Problem == "" && s.edit.File != "" {
		edit := s.edit
		edit.Text += line + "\n"
		return []Fix{{File: edit.File, Section: "[supervisord]", Lines: []string{line}, Say: must, Apply: command, edits: []Edit{edit}}}
	}
	file := "/etc/supervisor/supervisord.conf"
	if f.Supervisor != nil && f.Supervisor.File != "" {
		file = f.Supervisor.File
	}
	return []Fix{{Say: fmt.Sprintf("set %s in the [supervisord] section of %s (%s) - then: %s", line, file, must, command)}}
}

func checkNrOpen(f Facts, n Need) Finding {
	const check = "fs.nr_open"
	need, _ := n.descriptors(f)
	if !f.Files.NrOpen.Known() {
		return unknownFact(check, "the most that any process may be given")
	}
	return finding(check, levelOf(f.Files.NrOpen < need, false), f.Files.NrOpen.String(), need.String(),
		"no limit for descriptors can be set higher than this", f.sysctl("fs.nr_open", need.generous()))
}

func checkSupervisor(f Facts, n Need) Finding {
	const check = "supervisor.minfds"
	s := f.Supervisor
	if s == nil {
		return Finding{}
	}
	need, _ := n.descriptors(f)
	if s.Problem != "" && f.Process.Manager == BySupervisor && f.Process.Descriptors.Hard >= need {
		return Finding{} // its limit does not apply
	}
	if s.Problem != "" {
		return finding(check, Warning, s.Problem, need.String(), "what supervisor gives its programs cannot be told",
			Fix{Say: "name the file that supervisord reads, which this user may read, with --supervisor"})
	}
	hard, from := s.gives()
	if f.Process.Manager == BySupervisor {
		hard, from = f.limit()
	}
	why := "supervisor raises its own limit to minfds when it starts as root, its programs inherit it, and Go uses the hard limit"
	found := fmt.Sprintf("%s (minfds)", s.MinFDs)
	if hard != s.MinFDs {
		found += fmt.Sprintf("; %s %s", hard, from)
	}
	return finding(check, levelOf(hard < need, false), found, need.String(), why, f.minFDs(need.generous())...)
}

func checkFileMax(f Facts, n Need) Finding {
	const check = "fs.file-max"
	sockets, why := n.sockets(f)
	need := sockets.plus(max(f.Files.Allocated, 0))
	if !f.Files.Max.Known() {
		return unknownFact(check, "files of the whole system")
	}
	return finding(check, levelOf(f.Files.Max < need, f.Files.Max < need.plus(need/4)), f.Files.Max.String(), need.String(),
		fmt.Sprintf("%s + %s open in the whole system now", why, f.Files.Allocated), f.sysctl("fs.file-max", need.times(2).generous()))
}

// sockets returns the number of sockets of all programs on this machine, and the arithmetic.
func (n Need) sockets(f Facts) (Number, string) {
	if f.Nginx != nil {
		return n.Connections.times(1 + proxiedSockets),
			fmt.Sprintf("%s connections x (1 in reverbd + %d in nginx)", n.Connections, proxiedSockets)
	}
	return n.Connections, fmt.Sprintf("%s connections", n.Connections)
}

func checkEpollWatches(f Facts, n Need) Finding {
	const check = "fs.epoll.max_user_watches"
	need := n.Connections.plus(Number(n.Loops) * 4)
	if !f.Files.EpollWatches.Known() {
		return unknownFact(check, "descriptors that the event loops of one user may watch")
	}
	return finding(check, levelOf(f.Files.EpollWatches < need, false), f.Files.EpollWatches.String(), need.String(),
		fmt.Sprintf("%s connections + 4 of each event loop, for one user", n.Connections), f.sysctl(check, need.generous()))
}
