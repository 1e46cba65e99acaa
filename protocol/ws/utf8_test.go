package ws

import (
	"testing"
	"unicode/utf8"
)

// texts are texts, each with the offset of the first byte that no valid text can have there; -1 means that all of it is
// valid so far, and whole says whether it may end there.
var texts = []struct {
	name     string
	text     string
	rejected int
	whole    bool
}{
	{"empty", "", -1, true},
	{"ASCII", "Hello", -1, true},
	{"all of ASCII's ends", "\x00\x7f", -1, true},
	{"Greek and a control", "κόσμε\x00", -1, true},
	{"mixed widths", "Hello-µ@ßöäüàá-UTF-8!! €🂡", -1, true},

	{"first of two bytes", "\u0080", -1, true},
	{"last of two bytes", "\u07ff", -1, true},
	{"first of three bytes", "\u0800", -1, true},
	{"last of three bytes", "\uffff", -1, true},
	{"first of four bytes", "\U00010000", -1, true},
	{"last of four bytes", "\U0010ffff", -1, true},
	{"last before the surrogates", "\ud7ff", -1, true},
	{"first after the surrogates", "\ue000", -1, true},
	{"replacement character", "\ufffd", -1, true},
	{"non-characters", "\ufffe\U0001fffe\U0010fffe", -1, true},

	{"one byte of two", "a\xce", -1, false},
	{"one byte of three", "a\xe2", -1, false},
	{"two bytes of three", "a\xe2\x82", -1, false},
	{"one byte of four", "a\xf0", -1, false},
	{"two bytes of four", "a\xf0\x9f", -1, false},
	{"three bytes of four", "a\xf0\x9f\x82", -1, false},

	{"continuation alone", "\x80", 0, false},
	{"last continuation alone", "a\xbf", 1, false},
	{"many continuations", "ab\x80\xbf\x80", 2, false},
	{"fe", "\xfe", 0, false},
	{"ff", "a\xff", 1, false},
	{"five bytes", "\xf8\x88\x80\x80\x80", 0, false},
	{"six bytes", "\xfc\x84\x80\x80\x80\x80", 0, false},

	{"two bytes broken off", "\xc3 ", 1, false},
	{"three bytes broken off early", "\xe2 ", 1, false},
	{"three bytes broken off late", "\xe2\x82 ", 2, false},
	{"four bytes broken off late", "\xf0\x9f\x82 ", 3, false},
	{"two beginnings", "\xe2\xe2", 1, false},
	{"one continuation too many", "é\x80", 2, false},

	{"overlong slash in two", "\xc0\xaf", 0, false},
	{"overlong nul in two", "\xc0\x80", 0, false},
	{"overlong in two, last", "\xc1\xbf", 0, false},
	{"overlong slash in three", "\xe0\x80\xaf", 1, false},
	{"overlong in three, last", "\xe0\x9f\xbf", 1, false},
	{"overlong slash in four", "\xf0\x80\x80\xaf", 1, false},
	{"overlong in four, last", "\xf0\x8f\xbf\xbf", 1, false},

	{"first surrogate", "\xed\xa0\x80", 1, false},
	{"last surrogate", "\xed\xbf\xbf", 1, false},
	{"surrogate pair", "\xed\xa0\x80\xed\xb0\x80", 1, false},
	{"surrogate after text", "κόσμε\xed\xa0\x80edited", 11, false},

	{"beyond the last rune", "\xf4\x90\x80\x80", 1, false},
	{"beyond the last rune after text", "κόσμε\xf4\x90\x80\x80edited", 11, false},
	{"f5", "\xf5\x80\x80\x80", 0, false},
}

func TestValidPrefix(t *testing.T) {
	for _, tt := range texts {
		t.Run(tt.name, func(t *testing.T) {
			for end := range len(tt.text) + 1 {
				b := []byte(tt.text[:end])
				n, ok := validPrefix(b)
				if want := tt.rejected < 0 || end <= tt.rejected; ok != want {
					t.Errorf("%q: ok %v, want %v", b, ok, want)
				}
				if ok && (!utf8.Valid(b[:n]) || len(b)-n >= utf8.UTFMax) {
					t.Errorf("%q: prefix of %d bytes", b, n)
				}
			}
			n, ok := validPrefix([]byte(tt.text))
			if whole := ok && n == len(tt.text); whole != tt.whole {
				t.Errorf("%q: whole %v, want %v", tt.text, whole, tt.whole)
			}
		})
	}
}

// Every sequence of up to four bytes that are ends of ranges in RFC 3629's table is accepted exactly if something can
// be put behind it that makes it valid.
func TestValidPrefixAcceptsWhatCanBeCompleted(t *testing.T) {
	ends := []byte{0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff}
	var walk func(b []byte)
	walk = func(b []byte) {
		if _, ok := validPrefix(b); ok != completable(b) {
			t.Fatalf("% x: %v", b, ok)
		}
		if len(b) == 4 {
			return
		}
		for _, c := range ends {
			walk(append(b[:len(b):len(b)], c))
		}
	}
	walk(nil)
}

func completable(b []byte) bool {
	for _, second := range []string{"", "\x80", "\x90", "\xa0"} {
		for _, rest := range []string{"", "\x80", "\x80\x80"} {
			if utf8.ValidString(string(b) + second + rest) {
				return true
			}
		}
	}
	return false
}
