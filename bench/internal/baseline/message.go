package baseline

import "encoding/binary"

// Kind says what the baseline does with a message.
type Kind byte

// The kinds of messages.
const (
	Subscribe Kind = 'S' // put the sender on the item's list, and write the item's bytes to it
	Publish   Kind = 'P' // write the reply to the sender, and each item's bytes to all on its list
	Whisper   Kind = 'W' // write the item's bytes to all on its list but the sender
	upgrade   Kind = 'G' // the first letter of GET
)

const (
	headerSize = 8
	itemSize   = 8 // before the item's bytes
)

// AppendHeader begins a message. Finish must end it.
func AppendHeader(dst []byte, k Kind, items int) []byte {
	dst = append(dst, byte(k), 0)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(items))
	return append(dst, 0, 0, 0, 0)
}

// AppendItem appends an item: the bytes for a list.
func AppendItem(dst []byte, list int, p []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(list))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(p)))
	return append(dst, p...)
}

// Finish ends the message that begins at start, and fills it up to size bytes if it is shorter.
func Finish(dst []byte, start, size int) []byte {
	for len(dst)-start < size {
		dst = append(dst, ' ')
	}
	binary.LittleEndian.PutUint32(dst[start+4:], uint32(len(dst)-start))
	return dst
}

// size returns the length of the message that p begins with, or 0 if its header is incomplete.
func size(p []byte) int {
	if len(p) < headerSize {
		return 0
	}
	return int(binary.LittleEndian.Uint32(p[4:]))
}

// itemCount returns the number of items of a message.
func itemCount(p []byte) int { return int(binary.LittleEndian.Uint16(p[2:])) }

// nextItem cuts an item off the front of p.
func nextItem(p []byte) (list int, data, rest []byte) {
	list = int(binary.LittleEndian.Uint32(p))
	end := itemSize + int(binary.LittleEndian.Uint32(p[4:]))
	return list, p[itemSize:end], p[end:]
}
