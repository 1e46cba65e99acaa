package ws

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unsafe"
)

var (
	s125   = strings.Repeat("x", 125)
	s126   = strings.Repeat("y", 126)
	s65536 = strings.Repeat("z", 65536)
)

// streams are whole conversations: what the client sends, what the Reader finds in it, and what ends it.
var streams = []struct {
	name   string
	bytes  []byte
	limit  int64
	events []found
	code   StatusCode
	reason string
	open   bool // it ends inside a message
}{
	{name: "nothing"},
	{name: "the RFC's Hello", bytes: []byte("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), events: []found{{OpText, "Hello"}}},
	{name: "empty text", bytes: text(""), events: []found{{OpText, ""}}},
	{name: "empty binary", bytes: binaryMessage(""), events: []found{{OpBinary, ""}}},
	{name: "binary of any bytes", bytes: binaryMessage("\xff\x00\xc0"), events: []found{{OpBinary, "\xff\x00\xc0"}}},
	{name: "three messages", bytes: join(text("one"), binaryMessage("two"), text("drei €")), events: []found{{OpText, "one"}, {OpBinary, "two"}, {OpText, "drei €"}}},
	{name: "all control frames", bytes: join(ping(""), ping("p"), clientFrame(fin|byte(OpPong), "q"), clientFrame(fin|byte(OpClose), "\x03\xe8bye")),
		events: []found{{OpPing, ""}, {OpPing, "p"}, {OpPong, "q"}, {OpClose, "\x03\xe8bye"}}},
	{name: "longest control frame", bytes: ping(s125), events: []found{{OpPing, s125}}},
	{name: "16-bit length", bytes: text(s126), events: []found{{OpText, s126}}},
	{name: "16-bit length that is too long", bytes: maskedFrame([]byte{0x81, 0xfe, 0, 2}, "hi"), events: []found{{OpText, "hi"}}},
	{name: "64-bit length that is too long", bytes: maskedFrame([]byte{0x81, 0xff, 0, 0, 0, 0, 0, 0, 0, 2}, "hi"), events: []found{{OpText, "hi"}}},
	{name: "long length of nothing", bytes: maskedFrame([]byte{0x82, 0xff, 0, 0, 0, 0, 0, 0, 0, 0}, ""), events: []found{{OpBinary, ""}}},

	{name: "two fragments", bytes: join(first(OpText, "Hel"), last("lo")), events: []found{{OpText, "Hello"}}},
	{name: "binary fragments", bytes: join(first(OpBinary, "\xff"), middle("\xfe"), last("\xfd")), events: []found{{OpBinary, "\xff\xfe\xfd"}}},
	{name: "empty fragments", bytes: join(first(OpText, ""), middle(""), last("")), events: []found{{OpText, ""}}},
	{name: "empty first fragment", bytes: join(first(OpText, ""), last("x")), events: []found{{OpText, "x"}}},
	{name: "empty last fragment", bytes: join(first(OpBinary, "x"), last("")), events: []found{{OpBinary, "x"}}},
	{name: "control frames between fragments", bytes: join(first(OpText, "a"), ping("1"), middle("b"), clientFrame(fin|byte(OpPong), ""), ping("2"), last("c"), text("d")),
		events: []found{{OpPing, "1"}, {OpPong, ""}, {OpPing, "2"}, {OpText, "abc"}, {OpText, "d"}}},
	{name: "close between fragments", bytes: join(first(OpText, "a"), clientFrame(fin|byte(OpClose), "")), events: []found{{OpClose, ""}}, open: true},
	{name: "two fragmented messages", bytes: join(first(OpText, "a"), last("b"), first(OpBinary, "c"), last("\xff")), events: []found{{OpText, "ab"}, {OpBinary, "c\xff"}}},
	{name: "rune over fragments", bytes: join(first(OpText, "\xf0"), middle("\x9f"), middle(""), ping("\xff"), middle("\x82"), last("\xa1")), events: []found{{OpPing, "\xff"}, {OpText, "🂡"}}},

	{name: "reserved bit 1", bytes: clientFrame(fin|0x40|byte(OpText), "x"), code: 1002, reason: "Reserved bits set"},
	{name: "reserved bit 2 on a ping", bytes: clientFrame(fin|0x20|byte(OpPing), ""), code: 1002, reason: "Reserved bits set"},
	{name: "reserved bit 3 after a message", bytes: join(text("a"), clientFrame(fin|0x10|byte(OpText), "x")), events: []found{{OpText, "a"}}, code: 1002, reason: "Reserved bits set"},
	{name: "unmasked", bytes: []byte("\x81\x02hi"), code: 1002, reason: "Frame not masked"},
	{name: "unmasked and empty", bytes: []byte("\x89\x00"), code: 1002, reason: "Frame not masked"},
	{name: "top bit of the length", bytes: maskedFrame([]byte{0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0}, ""), code: 1002, reason: "Frame length out of range"},
	{name: "top bit of the length with a limit", limit: 5, bytes: maskedFrame([]byte{0x82, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0}, ""), code: 1002, reason: "Frame length out of range"},
	{name: "long ping", bytes: ping(s126), code: 1002, reason: "Control frame too long"},
	{name: "ping with a 16-bit length", bytes: maskedFrame([]byte{0x89, 0xfe, 0, 2}, "hi"), events: []found{{OpPing, "hi"}}},
	{name: "fragmented ping", bytes: clientFrame(byte(OpPing), "x"), code: 1002, reason: "Control frame fragmented"},
	{name: "continuation alone", bytes: last("x"), code: 1002, reason: "Continuation of no message"},
	{name: "continuation after a message", bytes: join(first(OpText, "a"), last("b"), middle("c")), events: []found{{OpText, "ab"}}, code: 1002, reason: "Continuation of no message"},
	{name: "message in a message", bytes: join(first(OpText, "a"), text("b")), code: 1002, reason: "New message inside a message"},
	{name: "message after an empty fragment", bytes: join(first(OpText, ""), first(OpBinary, "")), code: 1002, reason: "New message inside a message"},

	{name: "text not UTF-8", bytes: join(text("ok"), text("\xff")), events: []found{{OpText, "ok"}}, code: 1007, reason: "Text is not UTF-8"},
	{name: "text ends in a rune", bytes: text("a\xe2\x82"), code: 1007, reason: "Text is not UTF-8"},
	{name: "fragmented text ends in a rune", bytes: join(first(OpText, "a\xe2"), last("\x82")), code: 1007, reason: "Text is not UTF-8"},
	{name: "fragmented text ends in a rune, empty fragment", bytes: join(first(OpText, "a\xe2"), last("")), code: 1007, reason: "Text is not UTF-8"},
	{name: "fragment not UTF-8", bytes: join(first(OpText, "a\xff"), ping("never seen"), last("b")), code: 1007, reason: "Text is not UTF-8"},
	{name: "surrogate over fragments", bytes: join(first(OpText, "\xed"), middle("\xa0"), last("\x80")), code: 1007, reason: "Text is not UTF-8"},

	{name: "as large as allowed", limit: 5, bytes: text("12345"), events: []found{{OpText, "12345"}}},
	{name: "too large", limit: 5, bytes: text("123456"), code: 1009, reason: "Maximum message size exceeded"},
	{name: "fragments as large as allowed", limit: 5, bytes: join(first(OpText, "123"), middle(""), ping("12345"), last("45"), text("12345")), events: []found{{OpPing, "12345"}, {OpText, "12345"}, {OpText, "12345"}}},
	{name: "fragments too large", limit: 5, bytes: join(first(OpText, "123"), last("456")), code: 1009, reason: "Maximum message size exceeded"},
	{name: "control frame too large", limit: 5, bytes: ping("123456"), code: 1009, reason: "Maximum message size exceeded"},
	{name: "too large and not masked", limit: 5, bytes: []byte("\x81\x06123456"), code: 1009, reason: "Maximum message size exceeded"},
	{name: "as large as can be said", limit: 5, bytes: maskedFrame([]byte{0x82, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255}, ""), code: 1009, reason: "Maximum message size exceeded"},
}

func TestReader(t *testing.T) {
	for _, tt := range streams {
		t.Run(tt.name, func(t *testing.T) {
			check := func(how string, chunks ...[]byte) {
				t.Helper()
				var r Reader
				events, err := feed(&r, tt.limit, chunks...)
				if !slices.Equal(events, tt.events) {
					t.Fatalf("%s: events %v, want %v", how, events, tt.events)
				}
				if err == nil {
					err = &CloseError{}
				}
				if err.Code != tt.code || err.Reason != tt.reason {
					t.Fatalf("%s: %v, want %d %q", how, err, tt.code, tt.reason)
				}
				if tt.code == 0 && r.Idle() == tt.open {
					t.Fatalf("%s: idle is %v", how, r.Idle())
				}
			}
			check("whole", tt.bytes)
			check("octets", octets(tt.bytes)...)
			for i := range len(tt.bytes) {
				check(fmt.Sprintf("cut at %d", i), tt.bytes[:i], tt.bytes[i:])
				check(fmt.Sprintf("cut at %d and behind", i), tt.bytes[:i], tt.bytes[i:i+1], tt.bytes[i+1:])
			}
		})
	}
}

func TestReaderLongFrames(t *testing.T) {
	b := join(text(s65536), binaryMessage(s65536[:65535]), first(OpText, s65536), last(s65536))
	want := []found{{OpText, s65536}, {OpBinary, s65536[:65535]}, {OpText, s65536 + s65536}}
	for _, size := range []int{1, 7, 1448, 4096, 65535, 65536, 65550, len(b)} {
		var r Reader
		events, err := feed(&r, 0, slices.Collect(slices.Chunk(b, size))...)
		if err != nil || !slices.Equal(events, want) || !r.Idle() {
			t.Errorf("chunks of %d: %v, %v", size, events, err)
		}
	}
}

// A text is refused at the very byte that spoils it, wherever frames and chunks begin.
func TestReaderFailsFast(t *testing.T) {
	for _, tt := range texts {
		t.Run(tt.name, func(t *testing.T) {
			whole := first(OpText, tt.text)
			header := len(whole) - len(tt.text)
			var fragments [][]byte
			fragments = append(fragments, first(OpText, ""))
			for i := range len(tt.text) {
				fragments = append(fragments, middle(tt.text[i:i+1]))
			}

			refused := func(chunks [][]byte) int {
				var r Reader
				for i, chunk := range chunks {
					if _, err := feed(&r, 0, chunk); err != nil {
						if err.Code != 1007 {
							t.Fatal(err)
						}
						return i
					}
				}
				return -1
			}
			inFrame, inFragments := tt.rejected, tt.rejected
			if tt.rejected >= 0 {
				inFrame += header
				inFragments++
			}
			if got := refused(octets(whole)); got != inFrame {
				t.Errorf("octet by octet: refused at %d, want %d", got, inFrame)
			}
			if got := refused(fragments); got != inFragments {
				t.Errorf("rune over fragments: refused at %d, want %d", got, inFragments)
			}
			_, err := feed(new(Reader), 0, text(tt.text))
			if (err == nil) != tt.whole {
				t.Errorf("whole frame: %v", err)
			}
		})
	}
}

// What is too large is refused when its header is known, before its payload arrives.
func TestReaderRefusesByHeader(t *testing.T) {
	b := maskedFrame([]byte{0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0}, "")
	for i := range len(b) {
		var r Reader
		if _, err := feed(&r, 10_000, b[:i]); err != nil {
			t.Fatalf("%d bytes of the header: %v", i, err)
		}
		if _, err := feed(&r, 10_000, b[i:]); codeOf(err) != 1009 {
			t.Fatalf("whole header: %v", err)
		}
	}
}

// A limit that is lowered in the middle of a message holds from the next frame on.
func TestReaderLimitLowered(t *testing.T) {
	var r Reader
	if _, err := feed(&r, 100, first(OpText, "1234567890")); err != nil {
		t.Fatal(err)
	}
	if _, err := feed(&r, 5, last("")); codeOf(err) != 1009 {
		t.Error(err)
	}
}

func TestReaderAliases(t *testing.T) {
	p := join(text("Hello"), text("World"))
	var r Reader
	ev, n, err := r.Next(p, 0)
	if err != nil || n != 11 || string(ev.Payload) != "Hello" {
		t.Fatal(ev, n, err)
	}
	if &ev.Payload[0] != &p[6] {
		t.Error("the payload was copied")
	}
	if cap(ev.Payload) != 5 {
		t.Error("appending to the payload would change the next frame")
	}
	if ev, n, err := r.Next(nil, 0); ev.Op != 0 || n != 0 || err != nil {
		t.Error("nothing found in nothing:", ev, n, err)
	}
}

func TestReaderIdle(t *testing.T) {
	if size := unsafe.Sizeof(Reader{}); size > 8 {
		t.Errorf("an idle Reader has %d bytes", size)
	}
	fragments := join(first(OpText, ""), ping("p"), last("b"))
	busy := func(b []byte) {
		t.Helper()
		for i := 1; i < len(b); i++ {
			var r Reader
			feed(&r, 0, b[:i])
			if r.Idle() {
				t.Errorf("idle after %d of %d bytes", i, len(b))
			}
		}
	}
	busy(text("x"))
	busy(ping(""))
	busy(fragments)
}

// The memory held is in proportion to what has arrived, not to what is claimed.
func TestReaderMemory(t *testing.T) {
	const chunk = 64 << 10
	claim := maskedFrame([]byte{0x82, 0xff, 0, 0, 0x40, 0, 0, 0, 0, 0}, "")
	var r Reader
	for got := 0; got < 16<<20; got += chunk {
		if held, most := cap(r.message()), 2*got+maxUnverified; held > most {
			t.Fatalf("%d bytes held for %d received", held, got)
		}
		if _, err := feed(&r, 0, claim, make([]byte, chunk)); err != nil {
			t.Fatal(err)
		}
		claim = nil
	}
}

func (r *Reader) message() []byte {
	if r.partial == nil {
		return nil
	}
	return r.partial.message
}

// A message that arrives in many pieces is not copied for each of them: few allocations are the sign of it.
func TestReaderIsLinear(t *testing.T) {
	big := binaryMessage(strings.Repeat("x", 16<<20))
	chunks := slices.Collect(slices.Chunk(big, 64<<10))
	tiny := join(first(OpText, "€"), bytes.Repeat(middle("x"), 65_538), last("x"))
	for _, tt := range []struct {
		name   string
		chunks [][]byte
		want   int
	}{
		{"16 MiB in chunks", chunks, 16 << 20},
		{"65,540 fragments", [][]byte{tiny}, 65_542},
		{"65,540 fragments in chunks", slices.Collect(slices.Chunk(tiny, 6)), 65_542},
	} {
		t.Run(tt.name, func(t *testing.T) {
			buf := make([]byte, len(tiny))
			allocs := testing.AllocsPerRun(1, func() {
				var r Reader
				var ev Event
				for _, chunk := range tt.chunks {
					p := buf[:copy(buf, chunk)]
					for len(p) > 0 {
						var n int
						var err *CloseError
						if ev, n, err = r.Next(p, 0); err != nil {
							t.Fatal(err)
						}
						p = p[n:]
					}
				}
				if len(ev.Payload) != tt.want {
					t.Errorf("%d bytes, want %d", len(ev.Payload), tt.want)
				}
			})
			if allocs > 60 {
				t.Errorf("%v allocations", allocs)
			}
		})
	}
}

func TestReaderAllocations(t *testing.T) {
	for _, tt := range []struct {
		name  string
		bytes []byte
		want  float64
	}{
		{"text", unmaskedByZero(OpText, strings.Repeat("é", 50)), 0},
		{"binary", unmaskedByZero(OpBinary, s65536), 0},
		{"ping", unmaskedByZero(OpPing, "ping"), 0},
	} {
		var r Reader
		n := testing.AllocsPerRun(100, func() {
			if ev, n, err := r.Next(tt.bytes, 0); ev.Op == 0 || n != len(tt.bytes) || err != nil {
				t.Fatal(ev, n, err)
			}
		})
		if n != tt.want {
			t.Errorf("%s: %v allocations, want %v", tt.name, n, tt.want)
		}
	}
}

// unmaskedByZero is a frame that can be read again and again: its mask changes nothing, and costs the same.
func unmaskedByZero(op OpCode, payload string) []byte {
	b := clientFrame(fin|byte(op), payload)
	b = b[:len(b)-len(payload)]
	clear(b[len(b)-4:])
	return append(b, payload...)
}

func BenchmarkReader(b *testing.B) {
	fragments := join(unmaskedByZero(OpText, "a"), unmaskedByZero(OpContinuation, "b"))
	fragments[0] &^= fin
	half := unmaskedByZero(OpText, strings.Repeat("x", 100))
	for _, bb := range []struct {
		name   string
		chunks [][]byte
	}{
		{"text 100 B", [][]byte{half}},
		{"text 100 B not ASCII", [][]byte{unmaskedByZero(OpText, strings.Repeat("é", 50))}},
		{"binary 64 KiB", [][]byte{unmaskedByZero(OpBinary, s65536)}},
		{"ping", [][]byte{unmaskedByZero(OpPing, "")}},
		{"text 100 B in two chunks", [][]byte{half[:50], half[50:]}},
		{"two fragments", [][]byte{fragments}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			size := 0
			for _, chunk := range bb.chunks {
				size += len(chunk)
			}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			var r Reader
			for b.Loop() {
				for _, p := range bb.chunks {
					for len(p) > 0 {
						_, n, err := r.Next(p, 0)
						if err != nil {
							b.Fatal(err)
						}
						p = p[n:]
					}
				}
			}
		})
	}
}
