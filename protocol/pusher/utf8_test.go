package pusher

import (
	"testing"
	"unicode/utf8"
)

func TestRuneLength(t *testing.T) {
	// The second byte tells the forms apart; the others must just be continuations.
	var forms [][]byte
	for first := 0x80; first <= 0xff; first++ {
		for second := range 256 {
			forms = append(forms, []byte{byte(first), byte(second), 0x80, 0xbf}, []byte{byte(first), byte(second), 0x7f, 0x80},
				[]byte{byte(first), byte(second), 0xbf, 0xc0})
		}
	}
	for _, form := range forms {
		for length := 1; length <= len(form); length++ {
			p := form[:length]
			r, want := utf8.DecodeRune(p)
			if r == utf8.RuneError && want == 1 {
				want = 0
			}
			if got := runeLength(p, 0); got != want {
				t.Errorf("% x: %d, want %d", p, got, want)
			}
			if got := runeLength("a"+string(p), 1); got != want {
				t.Errorf("string % x: %d, want %d", p, got, want)
			}
		}
	}
}
