//go:build !linux

package eventloop

// writeNow writes nothing, so that gnet does: on these systems system calls must go through the C library.
func writeNow(int, []byte) int { return 0 }
