package proxy

import (
	"errors"
	"net"
	"net/netip"
)

// Trusted are the proxies that are believed. The zero value has none.
type Trusted struct {
	prefixes []netip.Prefix
	unix     bool
}

// Parse reads addresses, networks such as 10.0.0.0/8, and the word unix, which stands for every peer on a unix socket.
func Parse(list ...string) (Trusted, error) {
	var t Trusted
	for _, s := range list {
		if s == "unix" {
			t.unix = true
			continue
		}
		p, err := netip.ParsePrefix(s)
		if err != nil {
			ip, err := netip.ParseAddr(s)
			if err != nil {
				return Trusted{}, errors.New("is not a proxy; give an address, a network such as 10.0.0.0/8, or unix")
			}
			ip = ip.Unmap().WithZone("")
			p = netip.PrefixFrom(ip, ip.BitLen())
		}
		t.prefixes = append(t.prefixes, p.Masked())
	}
	return t, nil
}

// None reports whether no proxy is trusted.
func (t Trusted) None() bool { return len(t.prefixes) == 0 && !t.unix }

// Address reports whether ip is the address of a trusted proxy.
func (t Trusted) Address(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	for _, p := range t.prefixes {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// Peer reports whether a, the remote address of a connection, is a trusted proxy.
func (t Trusted) Peer(a net.Addr) bool {
	switch a := a.(type) {
	case *net.TCPAddr:
		if len(t.prefixes) == 0 {
			return false
		}
		ip, _ := netip.AddrFromSlice(a.IP)
		return t.Address(ip)
	case *net.UnixAddr:
		return t.unix
	}
	return false
}
