package sysctl

import "time"

// Need is what the server requires of the machine.
type Need struct {
	Connections Number // 0: only what the server needs without connections is checked
	Loops       int    // event loops

	// Descriptors of the server: for each connection (TLS in the process takes no further one), for each event loop, and spare.
	DescriptorsEach, DescriptorsLoop, DescriptorsSpare Number

	MemoryEach Number // bytes of process memory for a connection
	MemoryBase Number // bytes of process memory without any

	Port            int // that the server listens on, 0 for none
	Path            string
	PingInterval    time.Duration // the longest of all apps
	ActivityTimeout time.Duration
	Tolerance       time.Duration // for the time in a signature; 0 checks none
	LargestEvent    Number        // bytes that one event may have
}

// What a connection takes outside of reverbd.
const (
	// A socket's structures in the kernel, in bytes: the socket, its inode, file and directory entry, and its place in epoll.
	// Measured as the growth of Slab in /proc/meminfo with 18,000 idle sockets on Linux 6.18: 4,728.
	kernelSocket = 4800
	// A page each for what was sent and what was received, once anything is under way.
	busySocket = 2 * pageSize
	// nginx keeps a connection to the client and one to the server, with their pools and a buffer. Measured as the growth of a
	// worker of nginx 1.22 with 9,000 idle clients: 17,900.
	nginxEach = 18 << 10
	// Both of nginx's connections of a client: its own, and the one that it passes on.
	proxiedSockets = 2
)

// seconds is a duration as nginx writes it.
func seconds(d time.Duration) Number { return Number(d / time.Second) }
