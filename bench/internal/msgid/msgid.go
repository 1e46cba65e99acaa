package msgid

import "bytes"

// Size is the length of a message id's text in bytes.
const Size = 1 + 3*8 + 16 + 1

// mark begins and ends a message id. The channel and event names of a run must not contain it.
const mark = '@'

// ID identifies one message.
type ID struct {
	Stream uint32 // number of the stream: one sender on one channel
	Seq    uint32 // number within the stream, from 1
	Order  uint32 // number among the messages of the sender on all channels, from 1
	Time   int64  // when the message was due, by clock.Now
}

// Append appends the id's text.
func (s ID) Append(dst []byte) []byte {
	dst = append(dst, mark)
	dst = appendHex(dst, s.Stream)
	dst = appendHex(dst, s.Seq)
	dst = appendHex(dst, s.Order)
	dst = appendHex(dst, uint32(s.Time>>32))
	dst = appendHex(dst, uint32(s.Time))
	return append(dst, mark)
}

// AppendPadded appends the id's text and letters up to size bytes. It appends at least Size bytes.
func (s ID) AppendPadded(dst []byte, size int) []byte {
	dst = s.Append(dst)
	for ; size > Size; size-- {
		dst = append(dst, 'x')
	}
	return dst
}

// Find returns the first message id in p. ok is false if there is none.
func Find(p []byte) (s ID, ok bool) {
	at := bytes.IndexByte(p, mark)
	if at < 0 || len(p) < at+Size || p[at+Size-1] != mark {
		return s, false
	}
	p = p[at+1:]
	var words [5]uint32
	for i := range words {
		if words[i], ok = parseHex(p[8*i:]); !ok {
			return s, false
		}
	}
	return ID{
		Stream: words[0], Seq: words[1], Order: words[2],
		Time: int64(words[3])<<32 | int64(words[4]),
	}, true
}
