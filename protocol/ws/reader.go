package ws

import (
	"math"
	"slices"
	"unicode/utf8"

	gobwas "github.com/gobwas/ws"
)

// maxUnverified is the number of bytes of a frame's claimed length for which memory is allocated before they arrive. Beyond it,
// memory is allocated in proportion to the bytes that a client has sent.
const maxUnverified = 4 << 10

// Event is what a [Reader] found: a whole data message or a control frame.
type Event struct {
	Op      OpCode // OpText, OpBinary, OpClose, OpPing or OpPong; 0 if nothing is complete yet
	Payload []byte // unmasked; of OpText it is valid UTF-8, of OpClose it is for [ParseClose]
}

// Reader turns the byte stream of one client into events. Its zero value is ready.
//
// An idle Reader is one nil pointer: memory is held only while a frame straddles two chunks or a message is
// fragmented, at most about twice what has arrived of it, and let go afterwards. A Reader belongs to one goroutine.
type Reader struct {
	partial *partial
}

// partial is what a Reader keeps from one chunk to the next. At most one of a header, a control frame's payload and a
// data frame's payload is incomplete at a time; a message can be unfinished beside any of them.
type partial struct {
	head     [maxHeader]byte // first bytes of an incomplete header
	headSize int             // how many of them; never all that the header needs

	frame gobwas.Header // the frame whose payload is arriving, if open
	open  bool
	got   int64 // bytes of its payload that have arrived

	control []byte // payload of frame, if it is a control frame

	op         OpCode // of the unfinished message; 0 if there is none
	compressed bool   // the message is compressed
	message    []byte // its payload, unmasked
	checked    int    // how many bytes of message are known to be whole runes (text only)
}

// Idle reports whether no partial frame or message is held.
func (r *Reader) Idle() bool { return r.partial == nil }

// Next reads from p up to the end of one frame and returns the number of bytes consumed, which is more than 0 unless p
// is empty. Call it until p is used up; what is incomplete then is kept in the Reader, and p may be reused. limit is
// the largest message in bytes, fragments summed, equality allowed, and the largest control frame as well; 0 is no
// limit.
//
// A payload that lies whole in p is unmasked there and aliased, without allocating or copying. It is valid until the
// next call or until p is reused, and the caller may modify it.
//
// The error, if not nil, says which close frame ends the connection. It comes as soon as the bytes show it: for a
// header when it is complete, for text at the first byte that no valid UTF-8 can contain. After an error, and after an
// OpClose, the Reader is not to be used again.
func (r *Reader) Next(p []byte, limit int64) (ev Event, n int, err *CloseError) {
	return r.next(p, limit, false)
}

// NextDeflated is Next for a client that has been answered with DeflateExtension: its messages may be compressed. limit holds for
// a message as it came and as it is. The payload of a compressed message is memory of its own.
func (r *Reader) NextDeflated(p []byte, limit int64) (ev Event, n int, err *CloseError) {
	return r.next(p, limit, true)
}

func (r *Reader) next(p []byte, limit int64, deflate bool) (ev Event, n int, err *CloseError) {
	if len(p) == 0 {
		return Event{}, 0, nil
	}
	if r.partial != nil && r.partial.open {
		return r.advance(p, limit)
	}
	h, n := r.header(p)
	if n == 0 {
		return Event{}, len(p), nil
	}
	if err := r.check(h, limit, deflate); err != nil {
		return Event{}, n, err
	}
	payload := p[n:]
	if int64(len(payload)) >= h.Length && isUnfragmented(h) {
		payload = payload[:h.Length:h.Length]
		r.release()
		ev, err = unmaskInPlace(h, payload, limit)
		return ev, n + len(payload), err
	}
	r.begin(h)
	ev, m, err := r.advance(payload, limit)
	return ev, n + m, err
}

// header returns the header that ends in p and how many bytes of p belong to it; 0 means that p ends before it, and
// has been kept.
func (r *Reader) header(p []byte) (h gobwas.Header, n int) {
	if r.partial != nil && r.partial.headSize > 0 {
		return r.partial.resumeHeader(p)
	}
	h, n = parseHeader(p)
	if n == 0 {
		q := r.hold()
		q.headSize = copy(q.head[:], p)
	}
	return h, n
}

// resumeHeader is header for bytes that follow those in q.head.
func (q *partial) resumeHeader(p []byte) (h gobwas.Header, n int) {
	before := q.headSize
	have := before + copy(q.head[before:], p)
	h, size := parseHeader(q.head[:have])
	if size == 0 {
		q.headSize = have
		return h, 0
	}
	q.headSize = 0
	return h, size - before
}

// check applies the rules for headers. Other than in Reverb a control frame is measured alone, not together with the
// message around it.
func (r *Reader) check(h gobwas.Header, limit int64, deflate bool) *CloseError {
	if deflate && h.Rsv == rsv1 && (h.OpCode == OpText || h.OpCode == OpBinary) {
		h.Rsv = 0
	}
	room := limit
	if limit <= 0 {
		room = math.MaxInt64
	}
	if r.partial == nil {
		return checkHeader(h, 0, room)
	}
	if !h.OpCode.IsControl() {
		room -= int64(len(r.partial.message))
	}
	return checkHeader(h, r.partial.op, room)
}

// isUnfragmented reports whether h's frame is an event by itself.
func isUnfragmented(h gobwas.Header) bool {
	return h.Fin && h.OpCode != OpContinuation
}

// unmaskInPlace unmasks a payload that has arrived whole, where it lies.
func unmaskInPlace(h gobwas.Header, payload []byte, limit int64) (Event, *CloseError) {
	gobwas.Cipher(payload, h.Mask, 0)
	if h.Rsv != 0 {
		return decompressEvent(h.OpCode, payload, limit)
	}
	if h.OpCode == OpText && !utf8.Valid(payload) {
		return Event{}, notText()
	}
	return Event{h.OpCode, payload}, nil
}

// begin opens the frame of h, and a message if h is the first frame of one. A first fragment may be empty.
func (r *Reader) begin(h gobwas.Header) {
	q := r.hold()
	q.frame, q.got, q.open = h, 0, true
	if h.OpCode == OpText || h.OpCode == OpBinary {
		q.op, q.compressed = h.OpCode, h.Rsv != 0
	}
}

// advance takes what p holds of the open frame's payload; p is empty only if that payload is.
func (r *Reader) advance(p []byte, limit int64) (ev Event, n int, err *CloseError) {
	q := r.partial
	n = int(min(int64(len(p)), q.frame.Length-q.got))
	control := q.frame.OpCode.IsControl()
	if control {
		q.control = q.unmask(q.control, p[:n])
	} else {
		q.message = q.unmask(q.message, p[:n])
	}
	q.got += int64(n)
	q.open = q.got < q.frame.Length

	switch {
	case !control && !q.validText():
		return Event{}, n, notText()
	case q.open:
		return Event{}, n, nil
	case control:
		ev, q.control = Event{q.frame.OpCode, q.control}, nil
		r.release()
	case q.frame.Fin:
		ev = Event{q.op, q.message}
		r.partial = nil // with the message done, it holds nothing
		if q.compressed {
			ev, err = decompressEvent(q.op, q.message, limit)
		}
	}
	return ev, n, err
}

// unmask appends p, the next bytes of the open frame's payload, to dst. Room is made ahead for half of what is there
// already, but not beyond the end of the frame: a long message arrives in linear time, and a claimed length alone
// costs nothing.
func (q *partial) unmask(dst, p []byte) []byte {
	ahead := min(q.frame.Length-q.got, int64(max(len(p), len(dst)/2, maxUnverified)))
	start := len(dst)
	dst = append(slices.Grow(dst, int(ahead)), p...)
	gobwas.Cipher(dst[start:], q.frame.Mask, int(q.got%4))
	return dst
}

// validText reports whether the message can still become, or if it is finished is, what its opcode promises. Each byte
// is looked at once, save those of a rune that arrives in pieces.
func (q *partial) validText() bool {
	if q.op != OpText || q.compressed {
		return true
	}
	n, ok := validPrefix(q.message[q.checked:])
	q.checked += n
	finished := q.frame.Fin && !q.open
	return ok && (!finished || q.checked == len(q.message))
}

func (r *Reader) hold() *partial {
	if r.partial == nil {
		r.partial = new(partial)
	}
	return r.partial
}

// release drops the partial state if nothing in it is needed any more.
func (r *Reader) release() {
	if q := r.partial; q != nil && q.op == 0 && !q.open && q.headSize == 0 {
		r.partial = nil
	}
}
