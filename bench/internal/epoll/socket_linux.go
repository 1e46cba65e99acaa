package epoll

import (
	"net/netip"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Connect opens a TCP socket and begins to connect it. Call Connected when the poller reports the socket. A valid source is the
// address to connect from; the kernel chooses the port (IP_BIND_ADDRESS_NO_PORT), so that each source can use all ports for each
// destination.
func Connect(to netip.AddrPort, source netip.Addr) (fd int, err error) {
	family := unix.AF_INET
	if to.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, err = unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if err := connect(fd, to, source); err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func connect(fd int, to netip.AddrPort, source netip.Addr) error {
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	if source.IsValid() {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
		if err := unix.Bind(fd, sockaddr(netip.AddrPortFrom(source, 0))); err != nil {
			return os.NewSyscallError("bind", err)
		}
	}
	if err := unix.Connect(fd, sockaddr(to)); err != nil && err != unix.EINPROGRESS {
		return os.NewSyscallError("connect", err)
	}
	return nil
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}
	}
	return &unix.SockaddrInet6{Addr: a.Addr().As16(), Port: int(a.Port())}
}

// Connected returns the error of a socket's connection attempt, or nil.
func Connected(fd int) error {
	errno, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && errno != 0 {
		err = syscall.Errno(errno)
	}
	return os.NewSyscallError("connect", err)
}

// Read and Write bypass Go's scheduler, which only system calls that may block need.

// Read reads from a non-blocking descriptor. n is 0 at the end of the stream, and -1 with an error.
func Read(fd int, p []byte) (n int, errno syscall.Errno) {
	return transfer(unix.SYS_READ, fd, p)
}

// Write writes to a non-blocking descriptor. n is -1 with an error.
func Write(fd int, p []byte) (n int, errno syscall.Errno) {
	return transfer(unix.SYS_WRITE, fd, p)
}

// transfer makes the system call, again if a signal interrupted it. p must not be empty.
func transfer(call uintptr, fd int, p []byte) (int, syscall.Errno) {
	for {
		n, _, errno := unix.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
		if errno != unix.EINTR {
			return int(n), errno
		}
	}
}
