package sysctl

import (
	"strings"
	"testing"
	"time"
)

// roomy is a machine that has nothing wrong with it.
func roomy() Facts {
	return Facts{
		Process: Process{User: "www-data", Descriptors: Limit{1024, 1 << 20}, Threads: Unlimited, Open: 5},
		Files:   Files{Max: Unlimited, Allocated: 1000, NrOpen: 1 << 20, EpollWatches: 1 << 22},
		Net: Net{
			Somaxconn: 65535, SynBacklog: 65535, SynCookies: 1, Ports: Range{32768, 60999}, TimeWaitReuse: 2, Conntrack: Unknown, ConntrackMax: Unknown,
			TCPMemory: Triple{1 << 20, 2 << 20, 3 << 20}, ReadBuffer: Triple{4096, 131072, 6 << 20}, WriteBuffer: Triple{4096, 16384, 4 << 20},
		},
		Memory: Memory{Total: 32 << 30, Available: 30 << 30, SwapTotal: 1 << 30, SwapFree: 1 << 30},
		Group:  Group{Version: 2, Memory: Unknown, Used: Unknown, Tasks: Unknown, TasksUsed: Unknown},
		CPUs:   4,
		Clock:  Clock{Known: true, Synchronised: true},
	}
}

func wanted() Need {
	return Need{
		Connections: 10_000, Loops: 2, DescriptorsEach: 1, DescriptorsLoop: 8, DescriptorsSpare: 24, MemoryEach: 1300, MemoryBase: 32 << 20,
		Port: 8080, PingInterval: 60 * time.Second, ActivityTimeout: 30 * time.Second, Tolerance: 600 * time.Second, LargestEvent: 10_000,
	}
}

// Every rule at every level that it has, at its limits. 10,000 connections need 10,052 descriptors.
func TestRules(t *testing.T) {
	tests := []struct {
		name  string
		check string
		level Level
		set   func(*Facts, *Need)
		fix   string // part of what is to be changed
	}{
		{"enough", "descriptors", OK, func(f *Facts, _ *Need) { f.Process.Descriptors = Limit{1024, 10_052} }, ""},
		{"one short", "descriptors", Fatal, func(f *Facts, _ *Need) { f.Process.Descriptors = Limit{10_051, 10_051} }, "limits.d/60-reverbd.conf: www-data soft nofile 13312"},
		{"more open", "descriptors", Fatal, func(f *Facts, _ *Need) { f.Process.Descriptors.Hard, f.Process.Open = 10_052, 13 }, "nofile"},
		{"two a connection", "descriptors", Fatal, func(f *Facts, n *Need) { f.Process.Descriptors.Hard, n.DescriptorsEach = 20_051, 2 }, "nofile 25600"},
		{"unlimited", "descriptors", OK, func(f *Facts, _ *Need) { f.Process.Descriptors = Limit{Unlimited, Unlimited} }, ""},
		{"under systemd", "descriptors", Fatal, func(f *Facts, _ *Need) {
			f.Process.Descriptors.Hard, f.Process.Manager, f.Process.Unit = 4096, BySystemd, "reverbd.service"
			f.Unit = &Unit{Name: "reverbd.service", Descriptors: Limit{1024, 1 << 20}}
		}, "/etc/systemd/system/reverbd.service.d/60-reverbd.conf: [Service] LimitNOFILE=13312"},
		{"of a named unit", "descriptors", Fatal, func(f *Facts, _ *Need) {
			f.Unit = &Unit{Name: "shop.service", Descriptors: Limit{1024, 4096}, From: "/etc/systemd/system/shop.service"}
		}, "/etc/systemd/system/shop.service.d/60-reverbd.conf: [Service] LimitNOFILE=13312"},
		{"of a named unit, though this shell has less", "descriptors", OK, func(f *Facts, _ *Need) {
			f.Process.Descriptors.Hard, f.Unit = 1024, &Unit{Name: "shop.service", Descriptors: Limit{1024, 524288}}
		}, ""},
		{"of a unit that is not there", "descriptors", Warning, func(f *Facts, _ *Need) { f.Unit = &Unit{Name: "shop.service", Problem: "there is no such unit"} }, "--systemd"},
		{"under supervisor", "descriptors", Fatal, func(f *Facts, _ *Need) { f.Process.Descriptors.Hard, f.Process.Manager = 4096, BySupervisor }, "minfds=13312 in the [supervisord] section of /etc/supervisor/supervisord.conf"},
		{"in a container", "descriptors", Fatal, func(f *Facts, _ *Need) { f.Process.Descriptors.Hard, f.Process.Container = 4096, true }, "--ulimit nofile=13312:13312"},

		{"enough", "fs.nr_open", OK, func(f *Facts, _ *Need) { f.Files.NrOpen = 10_052 }, ""},
		{"too few", "fs.nr_open", Fatal, func(f *Facts, _ *Need) { f.Files.NrOpen = 10_051 }, "fs.nr_open = 13312"},

		{"enough", "supervisor.minfds", OK, func(f *Facts, _ *Need) { f.Supervisor = &Supervisor{MinFDs: 10_052, Running: Limit{Unknown, Unknown}} }, ""},
		{"the one that runs has enough", "supervisor.minfds", OK, func(f *Facts, _ *Need) { f.Supervisor = &Supervisor{MinFDs: 1024, Running: Limit{1024, 524288}} }, ""},
		{"too few", "supervisor.minfds", Fatal, func(f *Facts, _ *Need) {
			f.Supervisor = &Supervisor{File: "/s.conf", MinFDs: 10_051, Running: Limit{1024, 4096}}
		}, "minfds=13312"},
		{"unreadable", "supervisor.minfds", Warning, func(f *Facts, _ *Need) { f.Supervisor = &Supervisor{Problem: "permission denied"} }, "--supervisor"},

		{"enough", "fs.file-max", OK, func(f *Facts, _ *Need) { f.Files.Max = 13_750 }, ""},
		{"little to spare", "fs.file-max", Warning, func(f *Facts, _ *Need) { f.Files.Max = 13_749 }, "fs.file-max = "},
		{"too few", "fs.file-max", Fatal, func(f *Facts, _ *Need) { f.Files.Max = 10_999 }, "fs.file-max = "},

		{"enough", "fs.epoll.max_user_watches", OK, func(f *Facts, _ *Need) { f.Files.EpollWatches = 10_008 }, ""},
		{"too few", "fs.epoll.max_user_watches", Fatal, func(f *Facts, _ *Need) { f.Files.EpollWatches = 10_007 }, "fs.epoll.max_user_watches = 13312"},

		{"enough", "net.core.somaxconn", OK, func(f *Facts, _ *Need) { f.Net.Somaxconn = 10000 }, ""},
		{"too few", "net.core.somaxconn", Warning, func(f *Facts, _ *Need) { f.Net.Somaxconn = 9999 }, "net.core.somaxconn = 16384"},
		{"more than can be", "net.core.somaxconn", OK, func(_ *Facts, n *Need) { n.Connections = 1 << 20 }, ""},

		{"few, with cookies", "net.ipv4.tcp_max_syn_backlog", OK, func(f *Facts, _ *Need) { f.Net.SynBacklog = 128 }, ""},
		{"few, without cookies", "net.ipv4.tcp_max_syn_backlog", Warning, func(f *Facts, _ *Need) { f.Net.SynBacklog, f.Net.SynCookies = 128, 0 }, "tcp_syncookies = 1"},

		{"enough", "net.ipv4.ip_local_port_range", OK, func(_ *Facts, n *Need) { n.Connections = 28_232 }, ""},
		{"too few, if there is a proxy", "net.ipv4.ip_local_port_range", Warning, func(_ *Facts, n *Need) { n.Connections = 28_233 }, "ip_local_port_range = 1024 65000"},
		{"too few, by reserved ones", "net.ipv4.ip_local_port_range", Warning, func(f *Facts, n *Need) {
			f.Net.Reserved, n.Connections = []Range{{1, 2}, {60_000, 65_535}}, 27_233
		}, "2 of them"},

		{"outside", "net.ipv4.ip_local_reserved_ports", OK, func(*Facts, *Need) {}, ""},
		{"inside", "net.ipv4.ip_local_reserved_ports", Warning, func(f *Facts, n *Need) { n.Port, f.Net.Reserved = 40_000, []Range{{9, 9}, {50, 60}} }, "= 9,50-60,40000"},
		{"inside and reserved", "net.ipv4.ip_local_reserved_ports", OK, func(f *Facts, n *Need) { n.Port, f.Net.Reserved = 40_000, []Range{{39_000, 41_000}} }, ""},

		{"off, with ports enough", "net.ipv4.tcp_tw_reuse", OK, func(f *Facts, _ *Need) { f.Net.TimeWaitReuse = 0 }, ""},
		{"off", "net.ipv4.tcp_tw_reuse", Warning, func(f *Facts, n *Need) { f.Net.TimeWaitReuse, n.Connections = 0, 20_000 }, "tcp_tw_reuse = 1"},
		{"on the loopback interface", "net.ipv4.tcp_tw_reuse", OK, func(_ *Facts, n *Need) { n.Connections = 20_000 }, ""},

		{"not loaded", "net.netfilter.nf_conntrack_max", OK, func(*Facts, *Need) {}, ""},
		{"enough", "net.netfilter.nf_conntrack_max", OK, func(f *Facts, _ *Need) { f.Net.ConntrackMax, f.Net.Conntrack = 20_100, 100 }, ""},
		{"not for all twice", "net.netfilter.nf_conntrack_max", Warning, func(f *Facts, _ *Need) { f.Net.ConntrackMax, f.Net.Conntrack = 20_099, 100 }, "nf_conntrack_max = "},
		{"too few", "net.netfilter.nf_conntrack_max", Fatal, func(f *Facts, _ *Need) { f.Net.ConntrackMax, f.Net.Conntrack = 10_099, 100 }, "nf_conntrack_max = "},

		{"enough", "net.ipv4.tcp_mem", OK, func(f *Facts, _ *Need) { f.Net.TCPMemory = Triple{1, 20_000, 30_000} }, ""},
		{"pressure", "net.ipv4.tcp_mem", Warning, func(f *Facts, _ *Need) { f.Net.TCPMemory = Triple{1, 19_999, 30_000} }, "tcp_mem = 20000 30000 40000"},
		{"too little", "net.ipv4.tcp_mem", Fatal, func(f *Facts, _ *Need) { f.Net.TCPMemory = Triple{1, 9_000, 9_999} }, "tcp_mem"},

		{"the default", "net.ipv4.tcp_wmem", OK, func(*Facts, *Need) {}, ""},
		{"large", "net.ipv4.tcp_wmem", Warning, func(f *Facts, _ *Need) { f.Net.WriteBuffer[1] = 4 << 20 }, "tcp_wmem = 4096 16384 4194304"},
		{"large even when memory is short", "net.ipv4.tcp_wmem", Fatal, func(f *Facts, _ *Need) { f.Net.WriteBuffer = Triple{4 << 20, 4 << 20, 4 << 20} }, "tcp_wmem"},
		{"the default", "net.ipv4.tcp_rmem", OK, func(*Facts, *Need) {}, ""},
		{"large", "net.ipv4.tcp_rmem", Warning, func(f *Facts, _ *Need) { f.Net.ReadBuffer[0] = 2 << 20 }, "tcp_rmem = 4096 131072 6291456"},
		{"larger than memory", "net.ipv4.tcp_rmem", Fatal, func(f *Facts, _ *Need) { f.Net.ReadBuffer[0] = 4 << 20 }, "tcp_rmem"},

		{"enough", "memory", OK, func(f *Facts, _ *Need) { f.Memory.Available = 169 << 20 }, ""},
		{"not when all are busy", "memory", Warning, func(f *Facts, _ *Need) { f.Memory.Available = 168 << 20 }, "more memory"},
		{"too little", "memory", Fatal, func(f *Facts, _ *Need) { f.Memory.Available = 90 << 20 }, "more memory"},
		{"with nginx here", "memory", Warning, func(f *Facts, _ *Need) { f.Memory.Available, f.Nginx = 590<<20, &Nginx{Problem: "x"} }, "more memory"},

		{"no limit", "cgroup.memory.max", OK, func(*Facts, *Need) {}, ""},
		{"enough", "cgroup.memory.max", OK, func(f *Facts, _ *Need) { f.Group.Memory, f.Group.Used = 179<<20, 10<<20 }, ""},
		{"not when all are busy", "cgroup.memory.max", Warning, func(f *Facts, _ *Need) { f.Group.Memory, f.Group.Used = 178<<20, 10<<20 }, "MemoryMax=221M"},
		{"too little", "cgroup.memory.max", Fatal, func(f *Facts, _ *Need) { f.Group.Memory, f.Process.Container = 64<<20, true }, "docker run --memory="},
		{"too little for a service", "cgroup.memory.max", Fatal, func(f *Facts, _ *Need) {
			f.Group.Memory, f.Process.Manager, f.Process.Unit = 64<<20, BySystemd, "reverbd.service"
		}, "reverbd.service.d/60-reverbd.conf: [Service] MemoryMax="},

		{"heuristic", "vm.overcommit_memory", OK, func(*Facts, *Need) {}, ""},
		{"never, with room", "vm.overcommit_memory", Warning, func(f *Facts, _ *Need) { f.Memory.Overcommit, f.Memory.CommitLimit = 2, 1<<30 }, "vm.overcommit_memory = 0"},
		{"never, without room", "vm.overcommit_memory", Fatal, func(f *Facts, _ *Need) {
			f.Memory.Overcommit, f.Memory.CommitLimit, f.Memory.Committed = 2, 1<<30, 1<<30
		}, "vm.overcommit_memory = 0"},

		{"unused", "swap", OK, func(*Facts, *Need) {}, ""},
		{"used", "swap", Warning, func(f *Facts, _ *Need) { f.Memory.SwapFree = 1 << 29 }, "swappiness"},
		{"none, and memory", "swap", OK, func(f *Facts, _ *Need) { f.Memory.SwapTotal, f.Memory.SwapFree = 0, 0 }, ""},
		{"none, and hardly any memory", "swap", Warning, func(f *Facts, _ *Need) { f.Memory.SwapTotal, f.Memory.SwapFree, f.Memory.Available = 0, 0, 170<<20 }, "swap"},

		{"no limit", "pids.max", OK, func(*Facts, *Need) {}, ""},
		{"few left", "pids.max", Warning, func(f *Facts, _ *Need) { f.Group.Tasks, f.Group.TasksUsed = 100, 65 }, "TasksMax=165"},
		{"too few left", "pids.max", Fatal, func(f *Facts, _ *Need) { f.Group.Tasks, f.Group.TasksUsed = 100, 83 }, "TasksMax"},
		{"of the user", "pids.max", Warning, func(f *Facts, _ *Need) { f.Process.Threads = 60 }, "www-data soft nproc 4096"},
		{"of the user, too few", "pids.max", Fatal, func(f *Facts, _ *Need) { f.Process.Threads = 17 }, "nproc"},

		{"enough", "cpu", OK, func(f *Facts, _ *Need) { f.CPUs = 2 }, ""},
		{"a quota of nearly two", "cpu", OK, func(f *Facts, _ *Need) { f.Group.CPUs = 1.9 }, ""},
		{"more loops than CPUs", "cpu", Warning, func(f *Facts, _ *Need) { f.CPUs = 1 }, "--reactors 1"},
		{"more loops than the quota", "cpu", Warning, func(f *Facts, n *Need) { n.Loops, f.Group.CPUs = 4, 2 }, "--reactors 2"},
		{"less than one", "cpu", Warning, func(f *Facts, n *Need) {
			n.Loops, f.Group.CPUs, f.Process.Manager, f.Process.Unit = 1, 0.5, BySystemd, "r.service"
		}, "CPUQuota=100%"},

		{"right", "clock", OK, func(*Facts, *Need) {}, ""},
		{"not synchronised", "clock", Warning, func(f *Facts, _ *Need) { f.Clock.Synchronised = false }, "timesyncd"},
		{"not synchronised, in a container", "clock", Warning, func(f *Facts, _ *Need) { f.Clock.Synchronised, f.Process.Container = false, true }, "of the host"},

		{"answers", "redis", OK, func(f *Facts, _ *Need) {
			f.Redis = Redis{Configured: true, Address: "a:6379", MaxClients: Unknown, Clients: Unknown}
		}, ""},
		{"does not answer", "redis", Warning, func(f *Facts, _ *Need) { f.Redis = Redis{Configured: true, Problem: "connection refused"} }, "start Redis"},
		{"enough", "redis.maxclients", OK, func(f *Facts, _ *Need) { f.Redis = Redis{Configured: true, Clients: 95, Own: 5, MaxClients: 100} }, ""},
		{"too few left", "redis.maxclients", Warning, func(f *Facts, _ *Need) { f.Redis = Redis{Configured: true, Clients: 96, Own: 5, MaxClients: 100} }, "CONFIG SET maxclients '1024'"},
		{"too few", "redis.maxclients", Fatal, func(f *Facts, _ *Need) { f.Redis = Redis{Configured: true, Own: 5, MaxClients: 4} }, "CONFIG SET maxclients '1024'"},
		{"the default", "redis.client-output-buffer-limit", OK, func(f *Facts, _ *Need) {
			f.Redis = Redis{Configured: true, PubSub: Buffer{32 << 20, 8 << 20, 60}}
		}, ""},
		{"no limit", "redis.client-output-buffer-limit", OK, func(f *Facts, _ *Need) { f.Redis = Redis{Configured: true} }, ""},
		{"large events", "redis.client-output-buffer-limit", Warning, func(f *Facts, n *Need) {
			f.Redis, n.LargestEvent = Redis{Configured: true, PubSub: Buffer{32 << 20, 8 << 20, 60}}, 1<<20
		}, "pubsub 2097152000 524288000 60"},
		{"an event that does not fit", "redis.client-output-buffer-limit", Fatal, func(f *Facts, n *Need) {
			f.Redis, n.LargestEvent = Redis{Configured: true, PubSub: Buffer{32 << 20, 8 << 20, 60}}, 33<<20
		}, "pubsub"},
	}
	for _, tt := range tests {
		t.Run(tt.check+": "+tt.name, func(t *testing.T) {
			f, n := roomy(), wanted()
			tt.set(&f, &n)
			got := named(t, Check(f, n), tt.check)
			if got.Level != tt.level {
				t.Errorf("%v, want %v: found %q, needs %q (%s)", got.Level, tt.level, got.Found, got.Need, got.Why)
			}
			checkFix(t, got, tt.fix)
		})
	}
}

// named is the finding of one check.
func named(t *testing.T, findings []Finding, check string) Finding {
	t.Helper()
	for _, f := range findings {
		if f.Check == check {
			return f
		}
	}
	t.Fatalf("nothing is found about %s", check)
	return Finding{}
}

// checkFix: what is wrong says what to change, and what is not wrong does not.
func checkFix(t *testing.T, f Finding, want string) {
	t.Helper()
	text := ""
	for _, fix := range f.Fixes {
		text += fix.String() + "\n"
	}
	if f.Level == OK && text != "" || f.Level != OK && want == "" || !strings.Contains(text, want) {
		t.Errorf("the fix is %q, want %q in it", text, want)
	}
	if f.Found == "" || f.Need == "" || f.Why == "" {
		t.Errorf("a part is missing: %+v", f)
	}
}

func TestRoomyMachineHasNothingWrong(t *testing.T) {
	for _, f := range Only(Check(roomy(), wanted()), Warning) {
		t.Errorf("%s: %+v", f.Check, f)
	}
}

// Without a number of connections, nothing is asked of a machine but what the server always needs.
func TestNoConnections(t *testing.T) {
	f, n := roomy(), wanted()
	n.Connections = 0
	f.Process.Descriptors, f.Memory.Available, f.Net.Somaxconn, f.Clock.Synchronised = Limit{256, 256}, 1, 1, false
	if got := Check(f, n); Worst(got) != OK || len(got) != 1 {
		t.Errorf("%+v", got)
	}
	f.Process.Descriptors.Hard = 51
	if got := Check(f, n); Worst(got) != Fatal {
		t.Errorf("%+v", got)
	}
}
