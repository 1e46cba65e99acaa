package baseline

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The system calls of the baseline, without Go's scheduler: a thread that waits in one keeps its P, and a call costs what it costs
// in C. Descriptors are in blocking mode, so that a write waits for a full socket.

// write writes all of p. Errors are ignored: the receiver has closed.
func write(fd int32, p []byte) {
	for len(p) > 0 {
		n, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
		switch errno {
		case 0:
			p = p[n:]
		case unix.EINTR:
		default:
			return
		}
	}
}

// read returns 0 at the end of the stream and after an error.
func read(fd int32, p []byte) int {
	for {
		n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
		switch errno {
		case 0:
			return int(n)
		case unix.EINTR:
		default:
			return 0
		}
	}
}

// accept returns a descriptor in blocking mode, or -1 if no connection waits.
func accept(listener int) int {
	fd, _, errno := unix.RawSyscall6(unix.SYS_ACCEPT4, uintptr(listener), 0, 0, unix.SOCK_CLOEXEC, 0, 0)
	if errno != 0 {
		return -1
	}
	return int(fd)
}

func watch(epoll, fd int) syscall.Errno {
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
	_, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(epoll), unix.EPOLL_CTL_ADD, uintptr(fd),
		uintptr(unsafe.Pointer(&event)), 0, 0)
	return errno
}

// wait returns the number of events: at least one, or 0 after a signal.
func wait(epoll int, events []unix.EpollEvent) int {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(epoll), uintptr(unsafe.Pointer(&events[0])),
		uintptr(len(events)), ^uintptr(0), 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

func closeFD(fd int32) { _, _, _ = unix.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0) }
