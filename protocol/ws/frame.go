package ws

import (
	"encoding/binary"
	"slices"
)

// Headroom is the size in bytes of the longest header that a server writes; see [Seal].
const Headroom = 10

// AppendFrame appends one whole frame: final, unmasked, never fragmented (RFC 6455 section 5.1: a server must not
// mask). A control frame's payload must not exceed 125 bytes.
func AppendFrame(dst []byte, op OpCode, payload []byte) []byte {
	dst = slices.Grow(dst, Headroom+len(payload))
	return append(AppendHeader(dst, op, len(payload)), payload...)
}

// AppendHeader appends the header of a final, unmasked frame with a payload of n bytes: 2, 4 or 10 bytes, the
// shortest that can say n (RFC 6455 section 5.2).
func AppendHeader(dst []byte, op OpCode, n int) []byte {
	const fin = 0x80
	dst = append(dst, fin|byte(op))
	switch {
	case n <= 125:
		return append(dst, byte(n))
	case n <= 0xffff:
		return binary.BigEndian.AppendUint16(append(dst, 126), uint16(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, 127), uint64(n))
}

// Seal makes b a frame without moving its payload. b begins with [Headroom] unused bytes, the payload follows; the
// header is written right before the payload, and the result, an alias of b, starts at the header.
func Seal(b []byte, op OpCode) []byte {
	var buf [Headroom]byte
	header := AppendHeader(buf[:0], op, len(b)-Headroom)
	b = b[Headroom-len(header):]
	copy(b, header)
	return b
}
