package ws

import (
	"encoding/binary"

	gobwas "github.com/gobwas/ws"
)

// maxHeader is the size in bytes of the longest frame header: two fixed bytes, a 64-bit length, a mask
// (RFC 6455 section 5.2).
const maxHeader = gobwas.MaxHeaderSize

// maxControl is the largest payload of a control frame, in bytes (RFC 6455 section 5.5).
const maxControl = gobwas.MaxControlFramePayloadSize

// parseHeader decodes the frame header at the start of p and returns its size in bytes; 0 means that p does not hold
// all of it yet. A 64-bit length with its top bit set comes out negative. A length that is longer than it had to be is
// taken as it is, as Reverb does.
func parseHeader(p []byte) (h gobwas.Header, n int) {
	if len(p) < 2 {
		return h, 0
	}
	h.Fin = p[0]&0x80 != 0
	h.Rsv = p[0] >> 4 & 7
	h.OpCode = OpCode(p[0] & 0x0f)
	h.Masked = p[1]&0x80 != 0
	h.Length = int64(p[1] & 0x7f)

	n = headerSize(p[1])
	if len(p) < n {
		return gobwas.Header{}, 0
	}
	switch h.Length {
	case 126:
		h.Length = int64(binary.BigEndian.Uint16(p[2:]))
	case 127:
		h.Length = int64(binary.BigEndian.Uint64(p[2:]))
	}
	if h.Masked {
		h.Mask = [4]byte(p[n-4 : n])
	}
	return h, n
}

// headerSize is the size in bytes of a header whose second byte is b.
func headerSize(b byte) int {
	n := 2
	switch b & 0x7f {
	case 126:
		n += 2
	case 127:
		n += 8
	}
	if b&0x80 != 0 {
		n += 4
	}
	return n
}

// checkHeader applies the rules that a header alone can break. message is the opcode of the fragmented message that h
// arrives in, 0 if there is none; room is how many bytes h's payload may have. Size is looked at before the rest, in
// Reverb's order, so that a frame that breaks two rules gets the same answer there and here.
func checkHeader(h gobwas.Header, message OpCode, room int64) *CloseError {
	control := h.OpCode.IsControl()
	switch {
	case h.Length < 0:
		return violation("Frame length out of range")
	case h.Length > room:
		return tooBig()
	case h.Rsv != 0:
		return violation("Reserved bits set")
	case !h.Masked:
		return violation("Frame not masked")
	case h.OpCode.IsReserved():
		return violation("Unknown opcode")
	case control && h.Length > maxControl:
		return violation("Control frame too long")
	case control && !h.Fin:
		return violation("Control frame fragmented")
	case control:
		return nil
	case message == 0 && h.OpCode == OpContinuation:
		return violation("Continuation of no message")
	case message != 0 && h.OpCode != OpContinuation:
		return violation("New message inside a message")
	}
	return nil
}
