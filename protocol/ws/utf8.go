package ws

import "unicode/utf8"

// validPrefix returns how many leading bytes of b are whole valid runes. What is left, three bytes at most, is the
// beginning of a rune that more bytes can still complete; ok is false as soon as none can (RFC 6455 section 8.1).
func validPrefix(b []byte) (n int, ok bool) {
	n = len(b) - unfinished(b)
	return n, utf8.Valid(b[:n])
}

// unfinished is the number of bytes, 0 to 3, of the incomplete rune at the end of b. A sequence that has gone wrong
// already (overlong, surrogate, beyond U+10FFFF) does not count as incomplete: utf8.FullRune calls it full.
func unfinished(b []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		tail := b[len(b)-n:]
		if !utf8.RuneStart(tail[0]) {
			continue
		}
		if utf8.FullRune(tail) {
			return 0
		}
		return n
	}
	return 0
}
