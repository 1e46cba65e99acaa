package ws

import (
	"bytes"
	"fmt"
	"testing"

	gobwas "github.com/gobwas/ws"
)

var frameSizes = []int{0, 1, 125, 126, 127, 255, 256, 65535, 65536, 70000}

func TestAppendFrame(t *testing.T) {
	for _, size := range frameSizes {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			payload := bytes.Repeat([]byte{'x'}, size)
			want := gobwas.MustCompileFrame(gobwas.NewTextFrame(payload))
			if got := AppendFrame([]byte("before"), OpText, payload); !bytes.Equal(got, append([]byte("before"), want...)) {
				t.Errorf("AppendFrame begins % x, want % x", head(got[6:]), head(want))
			}
			if got := append(AppendHeader(nil, OpText, size), payload...); !bytes.Equal(got, want) {
				t.Errorf("AppendHeader begins % x, want % x", head(got), head(want))
			}
			b := append(make([]byte, Headroom), payload...)
			sealed := Seal(b, OpText)
			if !bytes.Equal(sealed, want) {
				t.Errorf("Seal begins % x, want % x", head(sealed), head(want))
			}
			if &sealed[len(sealed)-1] != &b[len(b)-1] {
				t.Error("Seal copied")
			}
		})
	}
}

func TestAppendFrameOpcodes(t *testing.T) {
	for op, want := range map[OpCode]string{
		OpText:   "\x81\x02hi",
		OpBinary: "\x82\x02hi",
		OpClose:  "\x88\x02hi",
		OpPing:   "\x89\x02hi",
		OpPong:   "\x8a\x02hi",
	} {
		if got := AppendFrame(nil, op, []byte("hi")); string(got) != want {
			t.Errorf("opcode %x: %q, want %q", byte(op), got, want)
		}
	}
}

func TestFrameAllocations(t *testing.T) {
	b := make([]byte, Headroom+1000)
	dst := make([]byte, 0, 2000)
	if n := testing.AllocsPerRun(100, func() { Seal(b, OpText) }); n != 0 {
		t.Errorf("Seal: %v allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() { AppendFrame(dst, OpText, b) }); n != 0 {
		t.Errorf("AppendFrame into room: %v allocations", n)
	}
}

func head(b []byte) []byte { return b[:min(len(b), 12)] }

func BenchmarkSeal(b *testing.B) {
	buf := make([]byte, Headroom+1000)
	b.ReportAllocs()
	for b.Loop() {
		Seal(buf, OpText)
	}
}
