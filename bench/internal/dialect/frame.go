package dialect

import (
	"encoding/binary"

	"reverbd/protocol/ws"
)

// mask is the masking key of every frame. RFC 6455 section 5.3 requires an unpredictable key, against scripts that attack proxies;
// here there is no script, and unmasking costs a server the same for every key.
const mask = 0x5bd1a7e9

// AppendFrame appends a client's frame, masked (RFC 6455 section 5.3).
func AppendFrame(dst []byte, op ws.OpCode, payload []byte) []byte {
	start := len(dst)
	dst = ws.AppendHeader(dst, op, len(payload))
	dst[start+1] |= 0x80 // masked
	dst = binary.BigEndian.AppendUint32(dst, mask)
	start = len(dst)
	dst = append(dst, payload...)
	xor(dst[start:])
	return dst
}

// xor masks p in place.
func xor(p []byte) {
	const wide = mask<<32 | mask
	for len(p) >= 8 {
		binary.BigEndian.PutUint64(p, binary.BigEndian.Uint64(p)^wide)
		p = p[8:]
	}
	for i := range p {
		p[i] ^= byte(uint32(mask) >> (24 - 8*(i&3)))
	}
}
