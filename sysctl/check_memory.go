package sysctl

import "fmt"

// memory returns the bytes that the connections take while they are idle and while all of them are busy, and the arithmetic.
func (n Need) memory(f Facts) (idle, busy Number, why string) {
	each, sockets := n.MemoryEach.plus(kernelSocket), Number(1)
	why = fmt.Sprintf("%s connections x (%s in reverbd + %s in the kernel", n.Connections, n.MemoryEach.bytes(), Number(kernelSocket).bytes())
	if f.Nginx != nil {
		sockets += proxiedSockets
		each = each.plus(nginxEach + proxiedSockets*kernelSocket)
		why += fmt.Sprintf(" + %s in nginx and for its %d sockets", Number(nginxEach+proxiedSockets*kernelSocket).bytes(), proxiedSockets)
	}
	idle = n.Connections.times(each).plus(n.MemoryBase)
	busy = n.Connections.times(each.plus(sockets * busySocket)).plus(n.MemoryBase)
	return idle, busy, why + fmt.Sprintf(") + %s = %s while idle; with %s more for the buffers of a busy socket %s",
		n.MemoryBase.bytes(), idle.bytes(), Number(busySocket).bytes(), busy.bytes())
}

func checkMemory(f Facts, n Need) Finding {
	const check = "memory"
	idle, busy, why := n.memory(f)
	if !f.Memory.Available.Known() {
		return unknownFact(check, why)
	}
	found := fmt.Sprintf("%s available of %s", f.Memory.Available.bytes(), f.Memory.Total.bytes())
	return finding(check, levelOf(f.Memory.Available < idle, f.Memory.Available < busy), found, busy.bytes(), why,
		Fix{Say: "give the machine more memory, or spread the connections over more nodes (scaling over Redis)"})
}

func checkGroupMemory(f Facts, n Need) Finding {
	const check = "cgroup.memory.max"
	if f.Group.Version == 0 || !f.Group.Memory.Known() {
		return finding(check, OK, "no limit", "-", "no control group limits the memory of this process")
	}
	in := f
	in.Nginx = nil // runs in a group of its own
	idle, busy, why := n.memory(in)
	room := f.Group.Memory - max(f.Group.Used, 0)
	found := fmt.Sprintf("%s, of which %s are free", f.Group.Memory.bytes(), room.bytes())
	why += "; the kernel counts sockets to the control group too"
	return finding(check, levelOf(room < idle, room < busy), found, busy.bytes(), why,
		f.groupFix("MemoryMax", "--memory", "mem_limit", (busy+busy/4+max(f.Group.Used, 0)).megabytes())...)
}

// megabytes rounds up to whole MiB, in the form that systemd and Docker read.
func (n Number) megabytes() string { return fmt.Sprintf("%dM", (n+1<<20-1)>>20) }

// groupFix raises a limit of the control group: by a drop-in of the unit, or an option of the container.
func (f Facts) groupFix(unitKey, dockerFlag, composeKey, value string) []Fix {
	switch unit := f.unitName(); {
	case unit != "":
		return []Fix{f.dropIn(unit, unitKey+"="+value)}
	case f.Process.Container:
		return []Fix{{Say: fmt.Sprintf("raise the limit of the container: docker run %s=%s, or %s: %s of the service in compose.yaml",
			dockerFlag, value, composeKey, value)}}
	}
	return []Fix{{Say: fmt.Sprintf("raise the limit of the control group that this process is in: %s=%s for a unit of systemd", unitKey, value)}}
}

// checkTCPMemory: beyond the second number of tcp_mem the kernel shrinks buffers, beyond the third it drops data.
func checkTCPMemory(f Facts, n Need) Finding {
	const check = "net.ipv4.tcp_mem"
	sockets, why := n.sockets(f)
	busy := sockets.times(busySocket / pageSize)
	pressure, high := f.Net.TCPMemory[1], f.Net.TCPMemory[2]
	if !high.Known() {
		return unknownFact(check, "pages that all sockets together may take; a container does not see it")
	}
	found := fmt.Sprintf("%s pages until buffers shrink, %s until data is dropped", pressure, high)
	value := fmt.Sprintf("%d %d %d", busy, busy+busy/2, busy*2)
	return finding(check, levelOf(high < sockets, pressure < busy), found, busy.String()+" pages",
		fmt.Sprintf("%s x %d pages, one for what is sent and one for what is received, when all are busy", why, busySocket/pageSize),
		f.sysctl(check, value))
}

// checkWriteBuffer: a client that does not read holds a full send buffer.
func checkWriteBuffer(f Facts, n Need) Finding {
	const check = "net.ipv4.tcp_wmem"
	each := f.Net.WriteBuffer[1]
	if !each.Known() || !f.Memory.Total.Known() {
		return unknownFact(check, "the send buffer that each socket begins with")
	}
	memory := f.MemoryLimit()
	all := n.Connections.times(each)
	smallest := n.Connections.times(f.Net.WriteBuffer[0])
	begin := min(max(memory/2/n.Connections/pageSize*pageSize, pageSize), 4*pageSize)
	return finding(check, levelOf(smallest > memory, all > memory/2), fmt.Sprintf("%s to begin with (%s at least, %s at most)",
		each.bytes(), f.Net.WriteBuffer[0].bytes(), f.Net.WriteBuffer[2].bytes()), fmt.Sprintf("%s or less", (memory/2/n.Connections).bytes()),
		fmt.Sprintf("half of %s of memory / %s connections, if no client reads: now that is %s", memory.bytes(), n.Connections, all.bytes()),
		f.sysctl(check, fmt.Sprintf("%d %d %d", pageSize, begin, 4<<20)))
}

func checkReadBuffer(f Facts, n Need) Finding {
	const check = "net.ipv4.tcp_rmem"
	smallest := f.Net.ReadBuffer[0]
	if !smallest.Known() || !f.Memory.Total.Known() {
		return unknownFact(check, "the receive buffer of each socket")
	}
	memory := f.MemoryLimit()
	all := n.Connections.times(smallest)
	return finding(check, levelOf(all > memory, all > memory/2), fmt.Sprintf("%s at least (%s to begin with, %s at most)",
		smallest.bytes(), f.Net.ReadBuffer[1].bytes(), f.Net.ReadBuffer[2].bytes()), fmt.Sprintf("%s or less", (memory/2/n.Connections).bytes()),
		fmt.Sprintf("half of %s of memory / %s connections: what each socket keeps even when memory is short; the rest is a window, "+
			"and takes memory only when a client sends faster than the server reads", memory.bytes(), n.Connections),
		f.sysctl(check, fmt.Sprintf("%d %d %d", pageSize, 128<<10, 6<<20)))
}

// MemoryLimit is the memory that the process may use, in bytes: that of the machine, or the limit of the control group.
func (f Facts) MemoryLimit() Number { return least(f.Memory.Total, f.Group.Memory) }

// checkOvercommit: with 2 the kernel commits no more memory than it has, and Go reserves more address space than it uses.
func checkOvercommit(f Facts, n Need) Finding {
	const check = "vm.overcommit_memory"
	m := f.Memory
	if !m.Overcommit.Known() {
		return unknownFact(check, "whether the kernel promises more memory than there is")
	}
	if m.Overcommit != 2 {
		return finding(check, OK, m.Overcommit.String(), "0 or 1", "memory counts when it is used, not when it is reserved")
	}
	_, busy, _ := n.memory(f)
	room := m.CommitLimit - m.Committed
	return finding(check, levelOf(m.CommitLimit.Known() && room < busy, true), fmt.Sprintf("2, with %s of %s left", room.bytes(), m.CommitLimit.bytes()),
		"0 or 1", fmt.Sprintf("with 2 every reservation counts, those of other programs too, and the server ends when a further one is "+
			"refused; it wants %s", busy.bytes()), f.sysctl(check, 0))
}

func checkSwap(f Facts, n Need) Finding {
	const check = "swap"
	m := f.Memory
	if !m.SwapTotal.Known() || !m.Available.Known() {
		return unknownFact(check, "memory on disk")
	}
	used := m.SwapTotal - max(m.SwapFree, 0)
	_, busy, _ := n.memory(f)
	found := fmt.Sprintf("%s, of which %s are used", m.SwapTotal.bytes(), used.bytes())
	switch {
	case m.SwapTotal == 0:
		tight := m.Available < busy.plus(busy/4)
		return finding(check, levelOf(false, tight), "none", "none, with a quarter of the memory to spare",
			fmt.Sprintf("%s available, %s wanted: without swap and without spare memory the kernel ends a program, often the largest",
				m.Available.bytes(), busy.bytes()), Fix{Say: "give the machine more memory, or some swap for other programs"})
	case used > m.SwapTotal/4:
		return finding(check, Warning, found, "less than a quarter used",
			"connections that sleep are the first to be swapped out, and one event to all of them reads all of that back",
			Fix{Say: "find what takes the memory, or give the machine more"},
			Fix{File: sysctlFile, Lines: []string{"vm.swappiness = 10"}, Apply: "sysctl --system"})
	}
	return finding(check, OK, found, "less than a quarter used", "what is swapped out is read back before it can be served")
}
