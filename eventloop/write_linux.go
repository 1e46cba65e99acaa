package eventloop

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// writeNow writes p to a non-blocking socket and returns how many bytes the kernel took, 0 on any error. It is a raw system call,
// without entersyscall of the Go scheduler: that is made for calls that block, and costs a tenth of a microsecond a write and work of
// the runtime's monitor. It is send(2) and not write(2), which has to go through the file layer of the kernel first.
func writeNow(fd int, p []byte) int {
	if len(p) == 0 {
		return 0
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)), //nolint:gosec // send(2)
		unix.MSG_NOSIGNAL, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}
