package broadcast

import "reverbd/protocol/ws"

// Frame is one finished server frame, header and payload (RFC 6455, section 5.2). It is shared by all loops and never
// changes; the garbage collector frees it when the last connection has written it.
type Frame []byte

// frameSlack is the size of the fixed parts that the encoders add to a message, in bytes.
const frameSlack = 96

// TextBuffer returns a buffer with room for a frame header, to which the caller appends a JSON text of about n bytes, for
// SealText.
func TextBuffer(n int) []byte {
	return make([]byte, ws.Headroom, ws.Headroom+frameSlack+n)
}

// SealText writes the header of a text frame into a buffer that TextBuffer returned. The buffer belongs to the Frame from
// then on.
func SealText(b []byte) Frame { return Frame(ws.Seal(b, ws.OpText)) }

// deflateThreshold is the frame size in bytes from which compressing a frame is worth the CPU time.
const deflateThreshold = 128

// deflate returns f compressed (RFC 7692) if any connection takes compressed frames and the result is smaller, else nil.
func (h *Hub) deflate(f Frame) Frame {
	if h.deflateConns.Load() == 0 || len(f) < deflateThreshold {
		return nil
	}
	if deflated := ws.AppendDeflated(nil, ws.OpText, f.Payload()); len(deflated) < len(f) {
		return deflated
	}
	return nil
}

// Payload is the frame without its header.
func (f Frame) Payload() []byte {
	if len(f) < 2 {
		return nil
	}
	switch f[1] & 0x7f {
	case 126:
		return f[4:]
	case 127:
		return f[10:]
	default:
		return f[2:]
	}
}
