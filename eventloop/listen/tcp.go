package listen

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// openTCP listens on an IPv4 address with an IPv4 socket: net would open a dual-stack socket for 0.0.0.0, and accept IPv6 clients, whose
// sockets and addresses are larger.
func openTCP(ctx context.Context, a Address) (net.Listener, error) {
	network := "tcp"
	if ip, err := netip.ParseAddr(a.Host); err == nil && ip.Is4() {
		network = "tcp4"
	}
	config := net.ListenConfig{KeepAlive: -1} // package eventloop sets it on what it accepts
	l, err := config.Listen(ctx, network, net.JoinHostPort(a.Host, strconv.Itoa(a.Port)))
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return l, nil
}
