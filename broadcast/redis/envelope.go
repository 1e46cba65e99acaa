package redis

import (
	"encoding/binary"
	"hash/crc32"
	"strconv"
	"unicode/utf8"

	"reverbd/protocol/pusher"
)

// offsetDigits is the number of digits that cacheScript appends to a message.
const offsetDigits = 20

// envelopeHeaderSize is the size of what precedes the payload: magic, kind, origin, number, excepted connection, checksum.
const envelopeHeaderSize = len(magic) + 1 + 8 + 8 + 8 + 4

// envelope is a message with a number. A process that does not know whether a message was published sends it again with
// the same number.
type envelope struct {
	origin  uint64          // id of the process that sent it
	number  uint64          // of the messages of that process; they are sent in this order
	except  pusher.SocketID // the connection that does not get the event
	offset  uint64          // of an event of a cache channel; else 0
	payload []byte          // aliases the message
}

// appendEnvelope appends a message without an offset.
func appendEnvelope(dst []byte, k kind, e envelope) []byte {
	start := len(dst)
	dst = appendHeader(dst, k)
	dst = binary.BigEndian.AppendUint64(dst, e.origin)
	dst = binary.BigEndian.AppendUint64(dst, e.number)
	dst = binary.BigEndian.AppendUint64(dst, uint64(e.except))
	dst = binary.BigEndian.AppendUint32(dst, checksum(dst[start:], e.payload))
	return append(dst, e.payload...)
}

// checksum is the CRC-32C of all that follows the kind. The kind is left out because it changes when Redis cannot keep an
// event of a cache channel.
func checksum(head, payload []byte) uint32 {
	return crc32.Update(crc32.Checksum(head[len(magic)+1:], castagnoli), castagnoli, payload)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// parseEnvelope is the inverse of appendEnvelope; ordered says that an offset follows.
func parseEnvelope(m string, ordered bool) (e envelope, err error) {
	b := []byte(m)
	if ordered {
		cut := len(b) - offsetDigits
		if cut < envelopeHeaderSize {
			return e, errMessage
		}
		if e.offset, err = strconv.ParseUint(string(b[cut:]), 10, 63); err != nil || e.offset == 0 {
			return e, errMessage
		}
		b = b[:cut]
	}
	if len(b) < envelopeHeaderSize {
		return e, errMessage
	}
	h := b[len(magic)+1:]
	e.origin, e.number = binary.BigEndian.Uint64(h), binary.BigEndian.Uint64(h[8:])
	e.except = pusher.SocketID(binary.BigEndian.Uint64(h[16:]))
	e.payload = b[envelopeHeaderSize:]
	if binary.BigEndian.Uint32(h[24:]) != checksum(b[:envelopeHeaderSize-4], e.payload) || !utf8.Valid(e.payload) {
		return e, errMessage
	}
	return e, nil
}
