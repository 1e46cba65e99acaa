package msgid

import "encoding/binary"

const digits = "0123456789abcdef"

// appendHex appends v as eight digits.
func appendHex(dst []byte, v uint32) []byte {
	for shift := 28; shift >= 0; shift -= 4 {
		dst = append(dst, digits[v>>shift&15])
	}
	return dst
}

// parseHex reads the eight lower-case digits that p begins with, all at once: a loop over the 40 digits of a message id would cost
// more than everything else that a receiver does with a message.
func parseHex(p []byte) (v uint32, ok bool) {
	const (
		every = 0x0101010101010101
		top   = 0x80 * every
	)
	x := binary.BigEndian.Uint64(p)
	letters := x >> 6 & every // 1 in the bytes that are letters: bit 6 is set in 'a' and not in '0'
	nibbles := x&(0x0f*every) + 9*letters
	// Valid input: exactly the letters exceed 9, no nibble exceeds 15, and encoding the nibbles gives the input again.
	switch {
	case x&top != 0, nibbles&(0xf0*every) != 0, (nibbles+6*every)>>4&every != letters,
		x != nibbles+'0'*every+('a'-10-'0')*letters:
		return 0, false
	}
	nibbles = (nibbles | nibbles>>4) & 0x00ff00ff00ff00ff
	nibbles = (nibbles | nibbles>>8) & 0x0000ffff0000ffff
	return uint32(nibbles>>16 | nibbles), true
}
