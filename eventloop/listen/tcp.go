package listen

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// openTCP listens on an IPv4 address with that alone: 0.0.0.0 does not take IPv6 clients, whose sockets and addresses are larger.
func openTCP(ctx context.Context, a Address) (net.Listener, error) {
	network := "tcp"
	if ip, err := netip.ParseAddr(a.Host); err == nil && ip.Is4() {
		network = "tcp4"
	}
	config := net.ListenConfig{KeepAlive: -1} // whoever accepts sets it
	l, err := config.Listen(ctx, network, net.JoinHostPort(a.Host, strconv.Itoa(a.Port)))
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return l, nil
}
