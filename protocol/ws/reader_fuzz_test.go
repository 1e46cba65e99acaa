package ws

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"unicode/utf8"

	gobwas "github.com/gobwas/ws"
)

// FuzzReader cuts a byte stream into chunks at random and compares what the Reader finds with what a plain blocking
// reader on gobwas/ws finds in the same bytes.
func FuzzReader(f *testing.F) {
	for i, stream := range streams {
		f.Add(stream.bytes, uint64(i), uint16(stream.limit))
	}
	for i, tt := range texts {
		f.Add(join(first(OpText, tt.text), ping(tt.text), last(tt.text)), uint64(i), uint16(0))
	}
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64, limit uint16) {
		want := readAll(stream, int64(limit))

		var r Reader
		events, err := feed(&r, int64(limit), pieces(stream, seed)...)
		got := outcome{events: events, code: codeOf(err), idle: r.Idle()}
		if !slices.Equal(got.events, want.events) {
			t.Fatalf("events %v, want %v", got.events, want.events)
		}
		if got.code != want.code || want.code == 0 && got.idle != want.idle {
			t.Fatalf("%d, idle %v; want %d, %v", got.code, got.idle, want.code, want.idle)
		}
	})
}

// pieces cuts b at places that depend on seed alone; some pieces are empty.
func pieces(b []byte, seed uint64) (chunks [][]byte) {
	random := rand.New(rand.NewPCG(seed, 0))
	most := 1 + random.IntN(40)
	for len(b) > 0 {
		n := min(len(b), random.IntN(most+1))
		chunks = append(chunks, b[:n])
		b = b[n:]
	}
	return chunks
}

type outcome struct {
	events []found
	code   StatusCode // 0: the stream broke no rule
	idle   bool       // it ended between two messages
}

// readAll is the oracle: it reads frame after frame, keeps whole messages in memory, and looks at text from its start
// every time.
func readAll(stream []byte, limit int64) (o outcome) {
	r := bytes.NewReader(stream)
	state := gobwas.StateServerSide
	var message found
	for {
		o.idle = r.Len() == 0 && !state.Fragmented()
		h, err := gobwas.ReadHeader(r)
		if errors.Is(err, gobwas.ErrHeaderLengthMSB) {
			o.code = 1002
			return o
		}
		if err != nil {
			return o
		}
		size := h.Length
		if h.OpCode.IsData() {
			size += int64(len(message.Payload))
		}
		if limit > 0 && (size > limit || size < 0) {
			o.code = 1009
			return o
		}
		if gobwas.CheckHeader(h, state) != nil {
			o.code = 1002
			return o
		}
		payload, _ := io.ReadAll(io.LimitReader(r, h.Length))
		whole := int64(len(payload)) == h.Length
		for i := range payload {
			payload[i] ^= h.Mask[i%4]
		}
		if h.OpCode.IsControl() {
			if !whole {
				return o
			}
			o.events = append(o.events, found{h.OpCode, string(payload)})
			continue
		}
		if h.OpCode != OpContinuation {
			message.Op = h.OpCode
		}
		message.Payload += string(payload)
		if message.Op == OpText && !plausible(message.Payload, whole && h.Fin) {
			o.code = 1007
			return o
		}
		switch {
		case !whole:
			return o
		case h.Fin:
			o.events = append(o.events, message)
			message = found{}
			state = state.Clear(gobwas.StateFragmented)
		default:
			state = state.Set(gobwas.StateFragmented)
		}
	}
}

// plausible reports whether s is UTF-8, or if it is not finished, can become it.
func plausible(s string, finished bool) bool {
	for s != "" {
		c, size := utf8.DecodeRuneInString(s)
		if c == utf8.RuneError && size == 1 {
			return !finished && completable([]byte(s))
		}
		s = s[size:]
	}
	return true
}
