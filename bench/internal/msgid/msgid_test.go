package msgid

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

func TestFindReadsWhatAppendWrites(t *testing.T) {
	for _, s := range []ID{
		{},
		{Stream: 1, Seq: 2, Order: 3, Time: 4},
		{Stream: 0xdeadbeef, Seq: 0x01234567, Order: 0x89abcdef, Time: 0x7edcba9876543210},
		{Stream: math.MaxUint32, Seq: math.MaxUint32, Order: math.MaxUint32, Time: math.MaxInt64},
	} {
		text := s.Append([]byte(`{"event":"bench","data":"`))
		text = append(text, `xxx","channel":"bench-0"}`...)
		if got, ok := Find(text); !ok || got != s {
			t.Errorf("Find(%s) = %+v, %v, want %+v", text, got, ok, s)
		}
	}
}

func TestAppendPadded(t *testing.T) {
	for size, want := range map[int]int{0: Size, Size: Size, Size + 1: Size + 1, 100: 100} {
		if got := len(ID{}.AppendPadded(nil, size)); got != want {
			t.Errorf("AppendPadded of %d bytes is %d bytes long, want %d", size, got, want)
		}
	}
}

func TestFindRefuses(t *testing.T) {
	good := string(ID{Stream: 7, Seq: 8, Order: 9, Time: 10}.Append(nil))
	for name, text := range map[string]string{
		"nothing":          "",
		"no mark":          `{"event":"pusher:ping"}`,
		"a cut id":         good[:Size-1],
		"no closing mark":  good[:Size-1] + "x",
		"a letter beyond":  strings.Replace(good, "7", "g", 1),
		"upper case":       strings.Replace(good, "7", "A", 1),
		"below the digits": strings.Replace(good, "7", "/", 1),
		"above the digits": strings.Replace(good, "7", ":", 1),
		"a high byte":      strings.Replace(good, "7", "\xb7", 1),
		"a grave accent":   strings.Replace(good, "7", "`", 1),
	} {
		if s, ok := Find([]byte(text)); ok {
			t.Errorf("%s: Find(%q) = %+v", name, text, s)
		}
	}
}

func TestParseHexKnowsEveryByte(t *testing.T) {
	for b := range 256 {
		for at := range 8 {
			text := []byte("00000000")
			text[at] = byte(b)
			digit := strings.IndexByte(digits, byte(b))
			v, ok := parseHex(text)
			if ok != (digit >= 0) {
				t.Fatalf("parseHex(%q) says %v", text, ok)
			}
			if ok && v != uint32(digit)<<(28-4*at) {
				t.Fatalf("parseHex(%q) = %x", text, v)
			}
		}
	}
}

func BenchmarkFind(b *testing.B) {
	text := fmt.Appendf(nil, `{"event":"bench","data":%q,"channel":"bench-0"}`, ID{Seq: 1, Time: 1e15}.AppendPadded(nil, 100))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := Find(text); !ok {
			b.Fatal("not found")
		}
	}
}
