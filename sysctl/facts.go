package sysctl

// Facts are the known facts about the machine, the limits of this process, and the files that were named.
type Facts struct {
	Process Process
	Files   Files
	Net     Net
	Memory  Memory
	Group   Group
	CPUs    Number // that this process may run on
	Clock   Clock

	Nginx      *Nginx      // nil when no file was named
	HAProxy    *HAProxy    // likewise
	Apache     *Apache     // likewise
	Caddy      *Caddy      // likewise
	Supervisor *Supervisor // nil when no file was named, and supervisor does not run this
	Unit       *Unit       // nil when no unit was named, and systemd does not run this
	Redis      Redis       // filled in by the caller
}

// Process is the process that runs the checks.
type Process struct {
	User        string
	Descriptors Limit  // RLIMIT_NOFILE
	Threads     Number // RLIMIT_NPROC, the soft one
	Open        Number // descriptors in use
	Manager     Manager
	Unit        string // of systemd, when that is the manager
	Container   bool
}

// Limit is a resource limit. Go raises the soft limit for descriptors to the hard one when it starts.
type Limit struct{ Soft, Hard Number }

// Files are the limits of the whole system on descriptors.
type Files struct {
	Max, Allocated Number // fs.file-max, and what of it is taken
	NrOpen         Number // fs.nr_open, the most that a hard limit can be
	EpollWatches   Number // fs.epoll.max_user_watches
}

// Net are the settings of the kernel's network stack.
type Net struct {
	Somaxconn, SynBacklog, SynCookies Number
	Ports                             Range   // ip_local_port_range; both ends belong to it
	Reserved                          []Range // ip_local_reserved_ports
	TimeWaitReuse                     Number  // tcp_tw_reuse
	Conntrack, ConntrackMax           Number  // connections that the firewall tracks; Unknown without it
	TCPMemory                         Triple  // pages: low, pressure, high
	ReadBuffer, WriteBuffer           Triple  // bytes of one socket: least, default, most
}

// Range is a range of ports, with both ends. An unknown one has Unknown ends.
type Range struct{ Low, High Number }

// Size is the number of ports.
func (r Range) Size() Number {
	if !r.Low.Known() || r.High < r.Low {
		return Unknown
	}
	return r.High - r.Low + 1
}

// Triple is a setting of three numbers.
type Triple [3]Number

// Memory is the machine's, in bytes.
type Memory struct {
	Total, Available       Number
	SwapTotal, SwapFree    Number
	Overcommit             Number // vm.overcommit_memory: 0 heuristic, 1 always, 2 never
	CommitLimit, Committed Number
}

// Group is the control group that this process is in, with the strictest limit of all the groups above it.
type Group struct {
	Version   int     // 1 or 2; 0 when there is none
	Memory    Number  // bytes, memory.max
	Used      Number  // bytes, without what can be dropped at once
	Tasks     Number  // pids.max
	TasksUsed Number  // pids.current
	CPUs      float64 // quota in CPUs; 0 is none
}

// Clock is what the kernel knows about the clock.
type Clock struct {
	Known        bool
	Synchronised bool
}

// pageSize is the kernel's unit in tcp_mem. It is 4 KiB on nearly all machines.
const pageSize = 4096
