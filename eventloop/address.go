package eventloop

import (
	"bytes"
	"net"
)

// slim frees what gnet keeps of the addresses of a connection beyond who the client is. net makes them anew for every connection,
// and they are a tenth of what an idle one costs. The zone must go for another reason: gnet recycles its bytes as a buffer when
// the connection ends, and they are net's own name of the interface.
func slim(local, remote net.Addr) {
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
		r.IP, r.Zone = bytes.Clone(ip), "" // it aliases a socket address of net's
	}
}
