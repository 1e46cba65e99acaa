package sysctl

import (
	"fmt"
	"strconv"
	"strings"
)

// maxBacklog is the largest queue that is worth asking for: kernels before 4.1 count in 16 bits.
const maxBacklog = 65535

// backlog is the queue that a listener needs for all connections coming back at once, and why. The kernel has one queue for each address
// that is listened on, however many event loops take connections from it, and all may come to one address.
func (n Need) backlog() (Number, string) {
	return min(n.Connections, maxBacklog),
		fmt.Sprintf("%s connections that come back at once to one address, which has one queue (%s at most)", n.Connections, Number(maxBacklog))
}

func checkSomaxconn(f Facts, n Need) Finding {
	const check = "net.core.somaxconn"
	need, why := n.backlog()
	if !f.Net.Somaxconn.Known() {
		return unknownFact(check, why)
	}
	return finding(check, levelOf(false, f.Net.Somaxconn < need), f.Net.Somaxconn.String(), need.String(),
		why+"; a client that finds it full tries again a second or more later over TCP; on a unix socket it is refused at once, for which Nginx answers 502 and "+
			"pusher-js waits 15 seconds", f.sysctl(check, power(need)))
}

func checkSynBacklog(f Facts, n Need) Finding {
	const check = "net.ipv4.tcp_max_syn_backlog"
	need, why := n.backlog()
	if !f.Net.SynBacklog.Known() {
		return unknownFact(check, why)
	}
	cookies := f.Net.SynCookies > 0
	if cookies {
		why = "with tcp_syncookies the kernel goes on without a queue when it is full; " + why
	}
	return finding(check, levelOf(false, f.Net.SynBacklog < need && !cookies), f.Net.SynBacklog.String(), need.String(), why,
		f.sysctl(check, power(need)), f.sysctl("net.ipv4.tcp_syncookies", 1))
}

// power returns the next power of two, within the range of a backlog.
func power(n Number) Number {
	p := Number(1024)
	for p < n {
		p *= 2
	}
	return min(p, maxBacklog)
}

// freePorts returns the number of local ports for outgoing connections to one address.
func (n Net) freePorts() Number {
	free := n.Ports.Size()
	for _, r := range n.Reserved {
		if low, high := max(r.Low, n.Ports.Low), min(r.High, n.Ports.High); high >= low && free.Known() {
			free -= high - low + 1
		}
	}
	return free
}

// checkPorts: a proxy takes one local port for each connection to one address of the server.
func checkPorts(f Facts, n Need) Finding {
	const check = "net.ipv4.ip_local_port_range"
	free := f.Net.freePorts()
	if !free.Known() {
		return unknownFact(check, "ports that a proxy on this host can connect from")
	}
	found := fmt.Sprintf("%s ports (%d to %d)", free, f.Net.Ports.Low, f.Net.Ports.High)
	if reserved := f.Net.Ports.Size() - free; reserved > 0 {
		found = fmt.Sprintf("%s ports (%d to %d without %s in ip_local_reserved_ports)", free, f.Net.Ports.Low, f.Net.Ports.High, reserved)
	}
	need := n.Connections.String()
	widest := Range{1024, 65000}
	fixes := []Fix{f.sysctl(check, fmt.Sprintf("%d %d", widest.Low, widest.High)), {Say: fmt.Sprintf("or have the proxy connect to more addresses: %s of them "+
		"(127.0.0.1, 127.0.0.2, ...) hold %[2]s connections with the ports that there are; or to a unix socket, which takes no port",
		(n.Connections+free-1)/max(free, 1), n.Connections)}}
	if port := Number(n.Port); port >= widest.Low && port <= widest.High {
		fixes[0].Lines = append(fixes[0].Lines, "net.ipv4.ip_local_reserved_ports = "+f.Net.reserving(n.Port))
	}
	route := f.route(n)
	if route == nil {
		return finding(check, levelOf(false, free < n.Connections), found, need,
			"a proxy on this host takes one port for each connection to one address; without such a proxy this does not matter", fixes...)
	}
	to := route.addresses()
	switch {
	case to == 0:
		return finding(check, OK, found, "none", "nginx connects to a unix socket, which takes no port")
	case route.Bound || route.Variable:
		return finding(check, OK, found, need, "nginx varies the address ("+route.Where+"), so that more than one range is used")
	}
	room := free.times(to)
	return finding(check, levelOf(room < n.Connections, room < n.Connections.plus(n.Connections/4)), found,
		fmt.Sprintf("%s / %s = %s", n.Connections, to, (n.Connections+to-1)/to),
		fmt.Sprintf("nginx (%s) takes one port for each connection to one address, and has %s", route.Where, addresses(to)), fixes...)
}

func addresses(n Number) string {
	if n == 1 {
		return "1 address"
	}
	return n.String() + " addresses"
}

// checkListenPort: an outgoing connection may have taken the port that the server wants.
func checkListenPort(f Facts, n Need) Finding {
	const check = "net.ipv4.ip_local_reserved_ports"
	port := Number(n.Port)
	ports := f.Net.Ports
	if port == 0 || !ports.Size().Known() {
		return Finding{}
	}
	for _, r := range f.Net.Reserved {
		if port >= r.Low && port <= r.High {
			return finding(check, OK, f.Net.reserving(0), fmt.Sprintf("%d", port), "the port of the server is kept free for it")
		}
	}
	outside := port < ports.Low || port > ports.High
	why := "the port of the server is outside of ip_local_port_range, so no outgoing connection takes it"
	if !outside {
		why = "the port of the server is in ip_local_port_range: while it restarts, an outgoing connection may take it"
	}
	return finding(check, levelOf(false, !outside), f.Net.reserving(0), fmt.Sprintf("%d, or a port outside of the range", port), why,
		f.sysctl(check, f.Net.reserving(n.Port)))
}

// route returns how nginx passes clients on; nil if no file was named or it passes none on.
func (f Facts) route(n Need) *Route {
	if !f.usable() {
		return nil
	}
	return f.Nginx.Route(n.appPath(), n.Port)
}

// reserving returns the list of reserved ports as the kernel writes it, with one more port unless that is 0.
func (n Net) reserving(port int) string {
	var parts []string
	for _, r := range n.Reserved {
		part := fmt.Sprintf("%d-%d", r.Low, r.High)
		if r.Low == r.High {
			part = fmt.Sprintf("%d", r.Low)
		}
		parts = append(parts, part)
	}
	if port > 0 {
		parts = append(parts, strconv.Itoa(port))
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ",")
}

// checkTimeWait: a proxy that reconnects for all of its clients finds its local ports in TIME_WAIT for a minute.
func checkTimeWait(f Facts, n Need) Finding {
	const check = "net.ipv4.tcp_tw_reuse"
	free := f.Net.freePorts()
	if !f.Net.TimeWaitReuse.Known() || !free.Known() {
		return unknownFact(check, "whether a proxy on this host may take a port again that was closed a moment ago")
	}
	to, local := Number(1), true
	if route := f.route(n); route != nil {
		to, local = route.addresses(), route.loopback()
	}
	need := n.Connections.times(2)
	why := fmt.Sprintf("a closed port rests for a minute: when all come back through a proxy on this host, %s connections x 2 want "+
		"the %s ports of %s; with 1, or 2 on the loopback interface, resting ones are used again", n.Connections, free, addresses(max(to, 1)))
	reused := f.Net.TimeWaitReuse == 1 || f.Net.TimeWaitReuse == 2 && local
	short := to > 0 && free.times(to) < need
	wanted := "0 will do"
	if short {
		wanted = "1, or 2 for loopback"
	}
	return finding(check, levelOf(false, short && !reused), f.Net.TimeWaitReuse.String(), wanted, why, f.sysctl(check, 1))
}

// checkConntrack: a firewall that tracks connections drops packets when its table is full.
func checkConntrack(f Facts, n Need) Finding {
	const check = "net.netfilter.nf_conntrack_max"
	if !f.Net.ConntrackMax.Known() {
		return finding(check, OK, "not loaded", "-", "no firewall tracks connections here")
	}
	each, through := Number(1), "%s connections"
	if f.Nginx != nil {
		each, through = 2, "%s connections x 2 (to nginx, and on to the server)"
	}
	held := n.Connections.times(each).plus(max(f.Net.Conntrack, 0))
	need := held.plus(n.Connections.times(each))
	return finding(check, levelOf(f.Net.ConntrackMax < held, f.Net.ConntrackMax < need), f.Net.ConntrackMax.String(), need.String(),
		fmt.Sprintf(through+", twice because closed ones are kept for two minutes when all come back, + %s tracked now",
			n.Connections, max(f.Net.Conntrack, 0)), f.sysctl(check, need.generous()))
}
