package ws

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func payloadOf(code int, reason string) []byte {
	return append([]byte{byte(code >> 8), byte(code)}, reason...)
}

func TestParseClose(t *testing.T) {
	tests := []struct {
		name    string
		payload []byte
		code    StatusCode
		reason  string
		err     StatusCode
		reply   string
	}{
		{"empty", nil, 1005, "", 0, "\x88\x02\x03\xe8"},
		{"one byte", []byte{3}, 0, "", 1002, "\x88\x16\x03\xeaClose code cut short"},
		{"code alone", payloadOf(1000, ""), 1000, "", 0, "\x88\x02\x03\xe8"},
		{"code and reason", payloadOf(1001, "söö"), 1001, "söö", 0, "\x88\x07\x03\xe9söö"},
		{"longest reason", payloadOf(4000, strings.Repeat("x", 123)), 4000, strings.Repeat("x", 123), 0, "\x88\x7d\x0f\xa0" + strings.Repeat("x", 123)},
		{"bad code", payloadOf(1005, "x"), 0, "", 1002, "\x88\x14\x03\xeaInvalid close code"},
		{"reason not UTF-8", payloadOf(1000, "a\xff"), 0, "", 1007, "\x88\x1b\x03\xefClose reason is not UTF-8"},
		{"reason cut in a rune", payloadOf(1000, "\xe2\x82"), 0, "", 1007, "\x88\x1b\x03\xefClose reason is not UTF-8"},
		{"bad code before bad reason", payloadOf(999, "\xff"), 0, "", 1002, "\x88\x14\x03\xeaInvalid close code"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, reason, err := ParseClose(tt.payload)
			if code != tt.code || string(reason) != tt.reason {
				t.Errorf("%d %q, want %d %q", code, reason, tt.code, tt.reason)
			}
			if got := codeOf(err); got != tt.err {
				t.Errorf("error %d, want %d", got, tt.err)
			}
			if got := AppendCloseReply([]byte("x"), tt.payload); string(got) != "x"+tt.reply {
				t.Errorf("reply %q, want %q", got[1:], tt.reply)
			}
		})
	}
}

func codeOf(err *CloseError) StatusCode {
	if err == nil {
		return 0
	}
	return err.Code
}

func TestParseCloseEveryCode(t *testing.T) {
	valid := map[int]bool{1000: true, 1001: true, 1002: true, 1003: true, 1007: true, 1008: true, 1009: true, 1010: true, 1011: true}
	for code := 3000; code <= 4999; code++ {
		valid[code] = true
	}
	for code := range 1 << 16 {
		got, _, err := ParseClose(payloadOf(code, "reason"))
		if valid[code] != (err == nil) {
			t.Fatalf("code %d: %v", code, err)
		}
		if err == nil && int(got) != code || err != nil && err.Code != 1002 {
			t.Fatalf("code %d: %d, %v", code, got, err)
		}
	}
}

func TestAppendClose(t *testing.T) {
	tests := []struct {
		name   string
		reason string
		want   int // bytes of the reason that are sent
	}{
		{"none", "", 0},
		{"short", "Pong reply not received in time", 31},
		{"just fits", strings.Repeat("x", 123), 123},
		{"one too many", strings.Repeat("x", 124), 123},
		{"two-byte rune on the border", strings.Repeat("x", 122) + "é", 122},
		{"two-byte rune before the border", strings.Repeat("x", 121) + "é!", 123},
		{"four-byte rune on the border", strings.Repeat("x", 120) + "🂡", 120},
		{"long in runes", strings.Repeat("€", 100), 123},
		{"long and not UTF-8", strings.Repeat("\x80", 200), 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := append([]byte{0x88, byte(2 + tt.want), 0x10, 0x69}, tt.reason[:tt.want]...)
			got := AppendClose(nil, 4201, tt.reason)
			if string(got) != string(want) {
				t.Errorf("%q, want %q", got, want)
			}
			if utf8.ValidString(tt.reason) && !utf8.Valid(got[4:]) {
				t.Error("a rune was divided")
			}
		})
	}
}

func TestCloseErrorIsAnError(t *testing.T) {
	var err error = &CloseError{StatusMessageTooBig, "Maximum message size exceeded"}
	var closed *CloseError
	if !errors.As(err, &closed) || err.Error() != "ws: close 1009: Maximum message size exceeded" {
		t.Errorf("%v", err)
	}
}

// Whatever a client closes with, the answer is a close frame that a client accepts.
func FuzzCloseReply(f *testing.F) {
	f.Add([]byte(nil))
	f.Add([]byte{3})
	f.Add(payloadOf(1000, "bye"))
	f.Add(payloadOf(1006, "bye"))
	f.Add(payloadOf(4000, "\xff"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		payload = payload[:min(len(payload), maxControl)]
		reply := AppendCloseReply(nil, payload)
		h, n := parseHeader(reply)
		if n != 2 || !h.Fin || h.OpCode != OpClose || h.Masked || int(h.Length) != len(reply)-n || h.Length > maxControl {
			t.Fatalf("%q is answered with %q", payload, reply)
		}
		if code, _, err := ParseClose(reply[n:]); err != nil || code == StatusNoStatusRcvd {
			t.Fatalf("%q is answered with %q: %v", payload, reply, err)
		}
	})
}
