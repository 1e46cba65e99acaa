package ws

import (
	"bytes"
	"math"
	"testing"

	gobwas "github.com/gobwas/ws"
)

func TestParseHeaderAgreesWithGobwas(t *testing.T) {
	tail := []byte{0x01, 0x02, 0x83, 0x04, 0x05, 0x86, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c}
	for b0 := range 256 {
		for b1 := range 256 {
			p := append([]byte{byte(b0), byte(b1)}, tail...)
			r := bytes.NewReader(p)
			want, err := gobwas.ReadHeader(r)
			if err != nil {
				t.Fatal(err)
			}
			got, n := parseHeader(p)
			if got != want || n != len(p)-r.Len() {
				t.Fatalf("% x: %+v, %d bytes; want %+v, %d bytes", p, got, n, want, len(p)-r.Len())
			}
			for short := range n {
				if got, n := parseHeader(p[:short]); n != 0 || got != (gobwas.Header{}) {
					t.Fatalf("% x: %+v, %d bytes from a header cut short", p[:short], got, n)
				}
			}
		}
	}
}

func TestParseHeaderTopBit(t *testing.T) {
	p := []byte{0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4}
	if h, n := parseHeader(p); n != len(p) || h.Length >= 0 {
		t.Fatalf("length %d, %d bytes; want it negative", h.Length, n)
	}
}

func TestCheckHeader(t *testing.T) {
	ok := gobwas.Header{Fin: true, OpCode: OpText, Masked: true, Length: 5}
	change := func(f func(*gobwas.Header)) gobwas.Header {
		h := ok
		f(&h)
		return h
	}
	tests := []struct {
		name    string
		h       gobwas.Header
		message OpCode
		room    int64
		code    StatusCode
		reason  string
	}{
		{"fits exactly", ok, 0, 5, 0, ""},
		{"too big", ok, 0, 4, 1009, "Maximum message size exceeded"},
		{"too big before anything else", change(func(h *gobwas.Header) { h.Rsv = 1; h.Masked = false }), 0, 4, 1009, "Maximum message size exceeded"},
		{"no room", change(func(h *gobwas.Header) { h.Length = 0 }), 0, -1, 1009, "Maximum message size exceeded"},
		{"top bit before too big", change(func(h *gobwas.Header) { h.Length = math.MinInt64 }), 0, 4, 1002, "Frame length out of range"},
		{"reserved bit", change(func(h *gobwas.Header) { h.Rsv = 4 }), 0, 9, 1002, "Reserved bits set"},
		{"unmasked", change(func(h *gobwas.Header) { h.Masked = false }), 0, 9, 1002, "Frame not masked"},
		{"opcode 3", change(func(h *gobwas.Header) { h.OpCode = 3 }), 0, 9, 1002, "Unknown opcode"},
		{"opcode 11", change(func(h *gobwas.Header) { h.OpCode = 11 }), 0, 9, 1002, "Unknown opcode"},
		{"long control", change(func(h *gobwas.Header) { h.OpCode = OpPing; h.Length = 126 }), 0, 999, 1002, "Control frame too long"},
		{"fragmented control", change(func(h *gobwas.Header) { h.OpCode = OpClose; h.Fin = false }), 0, 9, 1002, "Control frame fragmented"},
		{"control in a message", change(func(h *gobwas.Header) { h.OpCode = OpPong }), OpText, 9, 0, ""},
		{"continuation of no message", change(func(h *gobwas.Header) { h.OpCode = OpContinuation }), 0, 9, 1002, "Continuation of no message"},
		{"continuation", change(func(h *gobwas.Header) { h.OpCode = OpContinuation }), OpText, 9, 0, ""},
		{"message in a message", ok, OpText, 9, 1002, "New message inside a message"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := checkHeader(tt.h, tt.message, tt.room)
			if err == nil {
				err = &CloseError{}
			}
			if err.Code != tt.code || err.Reason != tt.reason {
				t.Errorf("%v, want %d %q", err, tt.code, tt.reason)
			}
		})
	}
}

func TestCheckHeaderAgreesWithGobwas(t *testing.T) {
	for b0 := range 256 {
		for b1 := range 256 {
			h, _ := parseHeader([]byte{byte(b0), byte(b1), 0, 126, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
			for _, message := range []OpCode{0, OpText, OpBinary} {
				state := gobwas.StateServerSide
				if message != 0 {
					state = state.Set(gobwas.StateFragmented)
				}
				want := gobwas.CheckHeader(h, state)
				got := checkHeader(h, message, math.MaxInt64)
				if (got != nil) != (want != nil) {
					t.Fatalf("%+v in message %d: %v, gobwas says %v", h, message, got, want)
				}
			}
		}
	}
}
