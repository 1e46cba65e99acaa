package client

import (
	"encoding/binary"
	"errors"

	"reverbd/protocol/ws"
)

// frame is a server's frame. Its payload aliases the read buffer.
type frame struct {
	op         ws.OpCode
	compressed bool // the payload is compressed
	payload    []byte
}

var (
	errFragmented = errors.New("the server sent a fragmented message")
	errReserved   = errors.New("the server sent a frame with reserved bits, which nobody asked for")
	errMasked     = errors.New("the server sent a masked frame")
	errHuge       = errors.New("the server sent a frame of an impossible length")
)

// maxFrame bounds a frame, in bytes. No server sends more in a run.
const maxFrame = 1 << 30

// nextFrame reads the frame that p begins with (RFC 6455 section 5.2) and returns its size in p, or 0 if p is incomplete.
// negotiated says that messages may be compressed. A fragmented message is an error: no server fragments short messages.
func nextFrame(p []byte, negotiated bool) (f frame, n int, err error) {
	if len(p) < 2 {
		return f, 0, nil
	}
	reserved := p[0] & 0x70
	compressed := negotiated && reserved == 0x40 && p[0]&0x08 == 0 // RSV1 of a message (RFC 7692 section 6)
	switch {
	case reserved != 0 && !compressed:
		return f, 0, errReserved
	case p[0]&0x80 == 0 || p[0]&0x0f == byte(ws.OpContinuation):
		return f, 0, errFragmented
	case p[1]&0x80 != 0:
		return f, 0, errMasked
	}
	head, length := 2, uint64(p[1])
	switch length {
	case 126:
		if head = 4; len(p) < head {
			return f, 0, nil
		}
		length = uint64(binary.BigEndian.Uint16(p[2:]))
	case 127:
		if head = 10; len(p) < head {
			return f, 0, nil
		}
		length = binary.BigEndian.Uint64(p[2:])
	}
	if length > maxFrame {
		return f, 0, errHuge
	}
	if n = head + int(length); len(p) < n {
		return f, 0, nil
	}
	return frame{ws.OpCode(p[0] & 0x0f), compressed, p[head:n]}, n, nil
}
