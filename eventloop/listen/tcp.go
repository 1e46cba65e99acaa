package listen

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"
)

// TCP keep-alive ends a connection two minutes after its peer has vanished. WebSocket clients are pinged long before; this is for
// connections that have not been upgraded. On those that are accepted from an inherited socket net sets its own default, 150 seconds.
const (
	keepAliveIdle     = time.Minute
	keepAliveInterval = 12 * time.Second
	keepAliveCount    = 5
)

// openTCP listens on an IPv4 address with an IPv4 socket: net would open a dual-stack socket for 0.0.0.0, and accept IPv6 clients, whose
// sockets and addresses are larger.
func openTCP(ctx context.Context, a Address) (net.Listener, error) {
	network := "tcp"
	if ip, err := netip.ParseAddr(a.Host); err == nil && ip.Is4() {
		network = "tcp4"
	}
	l, err := keepAlive().Listen(ctx, network, net.JoinHostPort(a.Host, strconv.Itoa(a.Port)))
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return l, nil
}
