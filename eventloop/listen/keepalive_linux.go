package listen

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// keepAlive sets keep-alive once, on the listening socket: on Linux the accepted ones have what it has. net would make four system calls
// for each of them.
func keepAlive() *net.ListenConfig {
	return &net.ListenConfig{KeepAlive: -1, Control: func(_, _ string, c syscall.RawConn) error {
		var failed error
		set := func(level, option, value int) {
			if failed == nil {
				_ = c.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), level, option, value) })
			}
		}
		set(unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
		set(unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, int(keepAliveIdle/time.Second))
		set(unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, int(keepAliveInterval/time.Second))
		set(unix.IPPROTO_TCP, unix.TCP_KEEPCNT, keepAliveCount)
		return failed
	}}
}
