package sysctl

func (r reader) net() Net {
	const core, ipv4, netfilter = "proc/sys/net/core/", "proc/sys/net/ipv4/", "proc/sys/net/netfilter/"
	reserved, _ := r.text(ipv4 + "ip_local_reserved_ports")
	return Net{
		Somaxconn:     r.number(core + "somaxconn"),
		SynBacklog:    r.number(ipv4 + "tcp_max_syn_backlog"),
		SynCookies:    r.number(ipv4 + "tcp_syncookies"),
		Ports:         Range{r.field(ipv4+"ip_local_port_range", 0), r.field(ipv4+"ip_local_port_range", 1)},
		Reserved:      parseRanges(reserved),
		TimeWaitReuse: r.number(ipv4 + "tcp_tw_reuse"),
		Conntrack:     r.number(netfilter + "nf_conntrack_count"),
		ConntrackMax:  r.number(netfilter + "nf_conntrack_max"),
		TCPMemory:     r.triple(ipv4 + "tcp_mem"),
		ReadBuffer:    r.triple(ipv4 + "tcp_rmem"),
		WriteBuffer:   r.triple(ipv4 + "tcp_wmem"),
	}
}

func (r reader) memory() Memory {
	text, _ := r.text("proc/meminfo")
	found := sizes(text)
	return Memory{
		Total:       of(found, "MemTotal"),
		Available:   of(found, "MemAvailable"),
		SwapTotal:   of(found, "SwapTotal"),
		SwapFree:    of(found, "SwapFree"),
		CommitLimit: of(found, "CommitLimit"),
		Committed:   of(found, "Committed_AS"),
		Overcommit:  r.number("proc/sys/vm/overcommit_memory"),
	}
}
