package debuglog

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// appendSafe appends s with everything replaced that a terminal acts on or that changes how the rest is read: control
// characters (C0, DEL and the C1 range, in which U+009B begins a command), bidirectional overrides, characters without
// width, line separators, and bytes that are not UTF-8. Newlines stay if the caller has put them in.
func appendSafe(b []byte, s string, newlines bool) []byte {
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == '\n' && newlines, r != utf8.RuneError && unicode.IsGraphic(r), r == utf8.RuneError && n > 1:
			b = append(b, s[:n]...)
		case r < 0x80 || n == 1:
			b = fmt.Appendf(b, `\x%02x`, s[0])
		default:
			b = fmt.Appendf(b, `\u%04x`, r)
		}
		s = s[n:]
	}
	return b
}

// shorten cuts s to at most n characters, the last of which is then an ellipsis.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	count, before := 0, 0 // before is where the last character that may stay begins
	for i := range s {
		if count == n-1 {
			before = i
		}
		if count == n {
			return s[:before] + "…"
		}
		count++
	}
	return s
}
