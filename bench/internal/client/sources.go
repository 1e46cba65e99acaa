package client

import "net/netip"

// perSource is how many connections are made from one address. To one destination, each address has as many as there are ephemeral
// ports (net.ipv4.ip_local_port_range, usually 28,000), but once half of them are in use the kernel searches longer and longer.
const perSource = 10_000

// Sources are the addresses to connect from. With the zero value the kernel chooses.
type Sources struct {
	addresses []netip.Addr
	loopback  bool
}

// NewSources returns the given addresses. If there are none, it returns those of 127.0.0.0/8 for a server in that range, and
// otherwise leaves the choice to the kernel.
func NewSources(server netip.Addr, given []netip.Addr) Sources {
	return Sources{given, len(given) == 0 && server.Is4() && server.IsLoopback()}
}

// Of returns the address for the i-th connection of the run. It is invalid where the kernel chooses.
func (s Sources) Of(i int) netip.Addr {
	switch n := i / perSource; {
	case len(s.addresses) > 0:
		return s.addresses[n%len(s.addresses)]
	case s.loopback && n > 0:
		n++ // 127.0.0.1 is the one that the kernel chooses
		return netip.AddrFrom4([4]byte{127, byte(n >> 16), byte(n >> 8), byte(n)})
	}
	return netip.Addr{}
}
