package pusher

import (
	"bytes"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// Text is what names and messages may be given as. Neither form is copied or kept.
type Text interface{ ~string | ~[]byte }

// Unquote decodes a JSON string token in place: the text overwrites the token's own memory, which always suffices
// because decoding never grows. Without an escape it returns the token's inside untouched. A surrogate without its
// other half becomes U+FFFD. ok is false, and nothing is written, if token is not exactly one valid JSON string.
func Unquote(token []byte) (text []byte, ok bool) {
	if scanString(token, 0) != len(token) {
		return nil, false
	}
	return unquote(token), true
}

// unquote is Unquote for a token that is known to be valid.
func unquote(token []byte) []byte {
	text := contents(token)
	if !hasEscape(text) {
		return text
	}
	return appendUnescaped(text[:0], text)
}

// AppendUnquoted appends the text of a JSON string token, which is not written to.
// token must be valid, as the strings that Members and Elements return are.
func AppendUnquoted(dst, token []byte) []byte {
	return appendUnescaped(dst, contents(token))
}

// contents returns what is between the quotes of a valid string token.
func contents(token []byte) []byte { return token[1 : len(token)-1 : len(token)-1] }

func hasEscape(contents []byte) bool { return bytes.IndexByte(contents, '\\') >= 0 }

// appendUnescaped appends valid string contents, decoded. dst may end where s begins: what is written never
// overtakes what is read.
func appendUnescaped(dst, s []byte) []byte {
	for {
		i := bytes.IndexByte(s, '\\')
		if i < 0 {
			return append(dst, s...)
		}
		dst = append(dst, s[:i]...)
		r, size := unescape(s[i:])
		dst = utf8.AppendRune(dst, r)
		s = s[i+size:]
	}
}

// unescape decodes the valid escape sequence that s begins with, a surrogate pair as one.
func unescape(s []byte) (r rune, size int) {
	switch s[1] {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		r, _ = hex4(s[2:])
		if !utf16.IsSurrogate(r) {
			return r, 6
		}
		if len(s) >= 8 && s[6] == '\\' && s[7] == 'u' {
			low, _ := hex4(s[8:])
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, 12
			}
		}
		return utf8.RuneError, 6
	default: // quote, backslash, slash
		return rune(s[1]), 2
	}
}

// hex4 returns the value of the four hexadecimal digits that p begins with.
func hex4(p []byte) (r rune, ok bool) {
	if len(p) < 4 {
		return 0, false
	}
	for _, c := range p[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// AppendString appends s as a JSON string. Only quotes, backslashes and control characters are escaped; slashes
// and non-ASCII stay as they are (PHP escapes those too, which means the same to any client). A byte that is not
// UTF-8 becomes U+FFFD, so that the output is valid whatever s is.
func AppendString[T Text](dst []byte, s T) []byte {
	dst = append(dst, '"')
	dst = appendEscaped(dst, s)
	return append(dst, '"')
}

// appendEscaped appends s as the contents of a JSON string. s may itself be JSON: that is how a payload becomes
// the `data` string of a message without a buffer in between.
func appendEscaped[T Text](dst []byte, s T) []byte {
	done, i := 0, 0 // s[:done] is in dst, s[done:i] goes there as it is
	for {
		i = skipPlain(s, i)
		if i == len(s) {
			return append(dst, s[done:]...)
		}
		if s[i] >= utf8.RuneSelf {
			if end := skipRunes(s, i); end > i {
				i = end
				continue
			}
		}
		dst = append(dst, s[done:i]...)
		dst = appendEscape(dst, s[i])
		i++
		done = i
	}
}

// appendEscape appends the escape sequence of a quote, a backslash or a control character, and U+FFFD for a byte that
// is not UTF-8.
func appendEscape(dst []byte, c byte) []byte {
	const digits = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	if c >= utf8.RuneSelf {
		return utf8.AppendRune(dst, utf8.RuneError)
	}
	return append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
}

// hasPrefix reports whether s begins with prefix.
func hasPrefix[T Text](s T, prefix string) bool {
	return len(s) >= len(prefix) && string(s[:len(prefix)]) == prefix
}

// skipPlain returns the index of the first byte at or behind i that a JSON string cannot simply hold or that needs
// a closer look: a quote, a backslash, a control character, or anything beyond ASCII. Eight bytes at a time.
func skipPlain[T Text](s T, i int) int {
	for ; i+8 <= len(s); i += 8 {
		w := s[i : i+8]
		x := uint64(w[0]) | uint64(w[1])<<8 | uint64(w[2])<<16 | uint64(w[3])<<24 |
			uint64(w[4])<<32 | uint64(w[5])<<40 | uint64(w[6])<<48 | uint64(w[7])<<56
		if hits := notPlain(x); hits != 0 {
			return i + bits.TrailingZeros64(hits)/8
		}
	}
	for i < len(s) && s[i] >= ' ' && s[i] != '"' && s[i] != '\\' && s[i] < utf8.RuneSelf {
		i++
	}
	return i
}

// notPlain sets the top bit of the first byte of x (in memory order) that is not plain, and none if all are plain.
// Bytes behind that one may be marked wrongly, since a subtraction borrows from its neighbour.
func notPlain(x uint64) uint64 {
	const (
		ones = 0x0101010101010101
		tops = 0x80 * ones
	)
	control := (x - ' '*ones) &^ x
	quote := (x ^ '"'*ones) - ones
	backslash := (x ^ '\\'*ones) - ones
	// Only an ASCII byte that equals the character underflows into its top bit; the others are caught by x itself.
	return (control | quote | backslash | x) & tops
}
