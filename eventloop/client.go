package eventloop

import (
	"bytes"
	"net"
	"net/http"
	"net/netip"
)

// trimAddresses frees the memory of the addresses that gnet keeps for a connection, except the address of the client: net allocates
// them for every connection, and they are a tenth of what an idle one costs. The zone is removed for another reason: gnet reuses its
// bytes as a buffer when the connection ends, and they are net's own string for the name of the interface.
func trimAddresses(local, remote net.Addr) {
	switch l := local.(type) {
	case *net.TCPAddr:
		*l = net.TCPAddr{}
	case *net.UnixAddr:
		*l = net.UnixAddr{}
	}
	if r, ok := remote.(*net.TCPAddr); ok {
		ip := r.IP
		if ip4 := ip.To4(); ip4 != nil {
			ip = ip4
		}
		r.IP, r.Zone = bytes.Clone(ip), "" // IP aliases a socket address of net
	}
}

// setClient replaces the address of the proxy that the connection comes through by the address of the client.
func (c *conn) setClient(ip netip.Addr, port uint16) {
	switch r := c.gnet.RemoteAddr().(type) {
	case *net.TCPAddr:
		r.IP, r.Port = ip.AsSlice(), int(port)
	case *net.UnixAddr:
		r.Name = ip.String()
	}
}

// trustForwarded sets the address of the client by the header of a request that came through trusted proxies.
func (c *conn) trustForwarded(r *http.Request) {
	trusted := &c.loop.server.options.TrustedProxies
	if trusted.None() || !trusted.Peer(c.gnet.RemoteAddr()) {
		return
	}
	if ip, ok := trusted.Client(r.Header, c.loop.server.options.ClientIPHeader); ok {
		c.setClient(ip, 0)
	}
}

// Client is the address of the client as far as it is known. It has a port if the client is connected directly, or through a proxy
// that tells the port.
func (c *conn) Client() string {
	switch r := c.gnet.RemoteAddr().(type) {
	case *net.TCPAddr:
		if r.Port == 0 {
			return r.IP.String()
		}
		return r.String()
	case *net.UnixAddr:
		if r.Name != "" && r.Name != "@" {
			return r.Name
		}
	}
	return "a unix socket"
}
