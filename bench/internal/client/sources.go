package client

import "net/netip"

// perSource is how many connections are made from one address. A destination can have as many from each as the system has
// ports for outgoing connections (net.ipv4.ip_local_port_range, usually 28,000), but looking for a free one takes ever
// longer once half of them are taken.
const perSource = 10_000

// Sources is the addresses to connect from. The zero value leaves them to the system.
type Sources struct {
	addresses []netip.Addr
	loopback  bool
}

// NewSources returns what is used to connect to a server: the given addresses, or if there are none those of 127.0.0.0/8
// for a server there, or else whatever the system chooses.
func NewSources(server netip.Addr, given []netip.Addr) Sources {
	return Sources{given, len(given) == 0 && server.Is4() && server.IsLoopback()}
}

// Of returns the address for the i-th connection of the run. It is not valid when the system is to choose.
func (s Sources) Of(i int) netip.Addr {
	switch n := i / perSource; {
	case len(s.addresses) > 0:
		return s.addresses[n%len(s.addresses)]
	case s.loopback && n > 0:
		n++ // 127.0.0.1 is what the system chooses
		return netip.AddrFrom4([4]byte{127, byte(n >> 16), byte(n >> 8), byte(n)})
	}
	return netip.Addr{}
}
