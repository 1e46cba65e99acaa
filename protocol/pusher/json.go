package pusher

import (
	"errors"
	"unicode/utf8"
)

// MaxDepth is how deep arrays and objects may be nested in a text: one level more is refused.
// Source: the default of PHP's json_decode, which Reverb and its clients' back ends use.
const MaxDepth = 512

// What reading JSON can end in.
var (
	ErrInvalidJSON = errors.New("pusher: invalid JSON")
	ErrNotObject   = errors.New("pusher: JSON value is not an object")
	ErrNotArray    = errors.New("pusher: JSON value is not an array")
)

// malformed is the index that scanning functions return instead of an end. They pass it on when it is given to them.
const malformed = -1

// Valid reports whether p is one JSON value (RFC 8259) in strict UTF-8, nested no deeper than MaxDepth.
func Valid(p []byte) bool {
	end := scanValue(p, skipSpace(p, 0), MaxDepth)
	return end != malformed && skipSpace(p, end) == len(p)
}

// IsComposite reports whether p is one valid JSON array or object.
func IsComposite(p []byte) bool {
	i := skipSpace(p, 0)
	return i < len(p) && (p[i] == '{' || p[i] == '[') && Valid(p)
}

// scanValue returns the index behind the value at p[i]. depth is how many levels may still be opened.
func scanValue(p []byte, i, depth int) int {
	if uint(i) >= uint(len(p)) {
		return malformed
	}
	switch p[i] {
	case '"':
		return scanString(p, i)
	case '{', '[':
		return scanContainer(p, i, depth)
	case 't':
		return scanWord(p, i, "true")
	case 'f':
		return scanWord(p, i, "false")
	case 'n':
		return scanWord(p, i, "null")
	default:
		return scanNumber(p, i)
	}
}

// scanContainer returns the index behind the array or object at p[i].
func scanContainer(p []byte, i, depth int) int {
	c := openContainer(p, i, depth)
	for c.next() {
		if c.close == '}' {
			c.key()
		}
		c.value()
	}
	return c.at
}

// scanString returns the index behind the string at p[i].
func scanString(p []byte, i int) int {
	if uint(i) >= uint(len(p)) || p[i] != '"' {
		return malformed
	}
	for i++; ; {
		if i = skipPlain(p, i); i == len(p) {
			return malformed
		}
		switch c := p[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			if i = scanEscape(p, i); i == malformed {
				return malformed
			}
		case c < utf8.RuneSelf:
			return malformed // a control character
		default:
			start := i
			for i < len(p) && p[i] >= utf8.RuneSelf {
				i++
			}
			if !utf8.Valid(p[start:i]) {
				return malformed
			}
		}
	}
}

// scanEscape returns the index behind the escape sequence at p[i]. A surrogate without its other half is valid
// (RFC 8259 section 8.2), it decodes to U+FFFD.
func scanEscape(p []byte, i int) int {
	if i+1 >= len(p) {
		return malformed
	}
	switch p[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		if _, ok := hex4(p[i+2:]); ok {
			return i + 6
		}
	}
	return malformed
}

// scanNumber returns the index behind the number at p[i].
func scanNumber(p []byte, i int) int {
	if p[i] == '-' {
		i++
	}
	if i < len(p) && p[i] == '0' {
		i++ // nothing but a fraction or an exponent may follow a leading zero
	} else {
		i = scanDigits(p, i)
	}
	if i != malformed && i < len(p) && p[i] == '.' {
		i = scanDigits(p, i+1)
	}
	if i != malformed && i < len(p) && (p[i] == 'e' || p[i] == 'E') {
		i++
		if i < len(p) && (p[i] == '+' || p[i] == '-') {
			i++
		}
		i = scanDigits(p, i)
	}
	return i
}

// scanDigits returns the index behind the digits at p[i], of which there must be one.
func scanDigits(p []byte, i int) int {
	start := i
	for i < len(p) && '0' <= p[i] && p[i] <= '9' {
		i++
	}
	if i == start {
		return malformed
	}
	return i
}

func scanWord(p []byte, i int, word string) int {
	if end := i + len(word); end <= len(p) && string(p[i:end]) == word {
		return end
	}
	return malformed
}

// skipSpace returns the index of the first byte at or behind i that is not white space.
func skipSpace(p []byte, i int) int {
	for i < len(p) && (p[i] == ' ' || p[i] == '\n' || p[i] == '\r' || p[i] == '\t') {
		i++
	}
	return i
}
