package pusher

import "unicode/utf8"

// skipRunes returns the index of the first byte at or behind i that is ASCII or not UTF-8.
func skipRunes[T Text](s T, i int) int {
	for i < len(s) && s[i] >= utf8.RuneSelf {
		size := runeLength(s, i)
		if size == 0 {
			break
		}
		i += size
	}
	return i
}

// runeLength returns how many bytes the non-ASCII rune at s[i] has, 0 if that is not UTF-8 (RFC 3629 section 4).
// Package utf8 has this for strings and for bytes, not for either.
func runeLength[T Text](s T, i int) int {
	first, rest := s[i], s[i+1:]
	var size int
	low, high := byte(0x80), byte(0xbf) // what the second byte may be
	switch {
	case first < 0xc2 || first > 0xf4:
		return 0
	case first < 0xe0:
		size = 2
	case first < 0xf0:
		size = 3
		switch first {
		case 0xe0:
			low = 0xa0 // else it would be overlong
		case 0xed:
			high = 0x9f // else it would be a surrogate
		}
	default:
		size = 4
		switch first {
		case 0xf0:
			low = 0x90 // else it would be overlong
		case 0xf4:
			high = 0x8f // else it would be beyond U+10FFFF
		}
	}
	if len(rest) < size-1 || rest[0] < low || rest[0] > high {
		return 0
	}
	for j := 1; j < size-1; j++ {
		if rest[j]&0xc0 != 0x80 {
			return 0
		}
	}
	return size
}
