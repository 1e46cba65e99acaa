package broadcast

import "reverbd/protocol/ws"

// Frame is one finished server frame, header and payload. It is shared by all loops and never changes;
// the garbage collector frees it when the last connection has written it.
type Frame []byte

// frameSlack is what the encoders add around the variable parts of a message, in bytes.
const frameSlack = 96

// TextBuffer returns a buffer to append a JSON text of about n bytes to, for SealText.
func TextBuffer(n int) []byte {
	return make([]byte, ws.Headroom, ws.Headroom+frameSlack+n)
}

// SealText finishes a buffer that TextBuffer began. The buffer belongs to the Frame from then on.
func SealText(b []byte) Frame { return Frame(ws.Seal(b, ws.OpText)) }

// compressAbove is the payload size in bytes from which compressing is worth its time.
const deflateThreshold = 128

// pack returns f compressed if anyone takes that and it gets smaller, else nil.
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
