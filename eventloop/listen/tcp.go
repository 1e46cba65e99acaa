package listen

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// TCP listens on a host, which is an address or a name, and a port. An IPv4 address is that alone: 0.0.0.0 does not take IPv6
// clients, whose sockets and addresses are larger. A port that somebody else listens on is an error.
func TCP(ctx context.Context, host string, port int) (net.Listener, error) {
	network := "tcp"
	if ip, err := netip.ParseAddr(host); err == nil && ip.Is4() {
		network = "tcp4"
	}
	config := net.ListenConfig{KeepAlive: -1} // whoever accepts sets it
	l, err := config.Listen(ctx, network, net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return l, nil
}
