package eventloop

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// writeNow writes p to a socket that does not block and returns how many bytes the kernel took, 0 if none or on any error. It
// does not tell Go's scheduler of the call: that is made for calls that block, and costs a tenth of a microsecond a write and
// the attention of the runtime's monitor. It is a send and not a write, which goes to the socket past what the kernel does for
// files.
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
