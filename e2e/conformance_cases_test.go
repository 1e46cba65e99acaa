package e2e

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// conformanceCases is all tables.
func conformanceCases() []rfcCase {
	return slices.Concat(framingCases(), pingCases(), reservedBitCases(), opcodeCases(), fragmentCases(), utf8Cases(),
		closeCases(), limitCases())
}

func textOf(s string) rfcFrame   { return rfcFrame{fin: true, op: opText, payload: []byte(s)} }
func binaryOf(s string) rfcFrame { return rfcFrame{fin: true, op: opBinary, payload: []byte(s)} }
func pingOf(s string) rfcFrame   { return rfcFrame{fin: true, op: opPing, payload: []byte(s)} }
func pongOf(s string) rfcFrame   { return rfcFrame{fin: true, op: opPong, payload: []byte(s)} }

// startOf, moreOf and restOf are the fragments of a message.
func startOf(op byte, s string) rfcFrame { return rfcFrame{op: op, payload: []byte(s)} }
func moreOf(s string) rfcFrame           { return rfcFrame{payload: []byte(s)} }
func restOf(s string) rfcFrame           { return rfcFrame{fin: true, payload: []byte(s)} }

func closeOf(code int, reason string) rfcFrame {
	return rfcFrame{fin: true, op: opClose, payload: append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...)}
}

func kindOf(op byte) string {
	if op == opText {
		return "text"
	}
	return "binary"
}

// ways are how the same bytes are sent.
var ways = []struct {
	name string
	chop int
}{{"whole", 0}, {"in chops", 997}, {"octet by octet", 1}}

// Section 1: framing.
func framingCases() (cases []rfcCase) {
	for _, op := range []byte{opText, opBinary} {
		for _, size := range []int{0, 1, 125, 126, 127, 128, 65535, 65536} {
			p := bytes.Repeat([]byte{'*'}, size)
			if op == opBinary {
				p = bytes.Repeat([]byte{0xfe}, size)
			}
			for _, way := range ways {
				cases = append(cases, rfcCase{
					name: fmt.Sprintf("1.%d %s of %d bytes, %s", op, kindOf(op), size, way.name),
					send: wire(rfcFrame{fin: true, op: op, payload: p}), chop: way.chop,
					want: []rfcFrame{{op: op, payload: p}},
				})
			}
			for _, mask := range []uint32{0xffffffff, 0x00000001, 0x80000000, 0x2a2a2a2a} {
				cases = append(cases, rfcCase{
					name: fmt.Sprintf("1.%d %s of %d bytes, mask %08x", op, kindOf(op), size, mask),
					send: wire(rfcFrame{fin: true, op: op, payload: p, mask: mask}), chop: 1 << 15,
					want: []rfcFrame{{op: op, payload: p}},
				})
			}
		}
		for _, long := range []byte{126, 127} {
			for _, size := range []int{0, 5, 125} {
				p := bytes.Repeat([]byte{'*'}, size)
				for _, way := range ways {
					cases = append(cases, rfcCase{
						name: fmt.Sprintf("1.%d %s of %d bytes, length said with %d, %s", op, kindOf(op), size, long, way.name),
						send: wire(rfcFrame{fin: true, op: op, payload: p, long: long}), chop: way.chop,
						want: []rfcFrame{{op: op, payload: p}},
					})
				}
			}
		}
		for _, size := range []int{0, 5, 126, 65536} {
			cases = append(cases, rfcCase{
				name: fmt.Sprintf("1.%d %s of %d bytes without a mask", op, kindOf(op), size),
				send: wire(rfcFrame{fin: true, op: op, payload: make([]byte, size), bare: true}), code: 1002,
			})
		}
		cases = append(cases, rfcCase{
			name: fmt.Sprintf("1.%d %s, length with its top bit set", op, kindOf(op)),
			send: append([]byte{0x80 | op, 0x80 | 127}, 0x80, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4), code: 1002,
		}, rfcCase{
			name: fmt.Sprintf("1.%d %s, three of one packet", op, kindOf(op)),
			send: wire(rfcFrame{fin: true, op: op, payload: []byte("a")}, rfcFrame{fin: true, op: op}, rfcFrame{fin: true, op: op, payload: []byte("b")}),
			want: []rfcFrame{{op: op, payload: []byte("a")}, {op: op}, {op: op, payload: []byte("b")}},
		})
	}
	return cases
}

// Section 2: pings and pongs.
func pingCases() (cases []rfcCase) {
	add := func(name string, code int, send, want []rfcFrame) {
		for _, way := range ways {
			cases = append(cases, rfcCase{name: "2 " + name + ", " + way.name, send: wire(send...), chop: way.chop, want: want, code: code})
		}
	}
	for _, p := range []string{"", "x", "hi", "Hello, world!", "\x00\xff\xfe\xfd\xfc\xfb\x00\xff", strings.Repeat("\xfe", 125)} {
		add(fmt.Sprintf("ping with %d bytes", len(p)), 0, []rfcFrame{pingOf(p)}, []rfcFrame{pongOf(p)})
		add(fmt.Sprintf("pong with %d bytes that nobody asked for", len(p)), 0, []rfcFrame{pongOf(p)}, nil)
		add(fmt.Sprintf("pong and ping with %d bytes", len(p)), 0, []rfcFrame{pongOf(p), pingOf(p)}, []rfcFrame{pongOf(p)})
		add(fmt.Sprintf("ping of %d bytes between the halves of a text", len(p)), 0,
			[]rfcFrame{startOf(opText, "frag"), pingOf(p), restOf("ment")}, []rfcFrame{pongOf(p), textOf("fragment")})
		add(fmt.Sprintf("pong of %d bytes between the halves of a text", len(p)), 0,
			[]rfcFrame{startOf(opText, "frag"), pongOf(p), restOf("ment")}, []rfcFrame{textOf("fragment")})
	}
	for _, size := range []int{126, 127, 65535, 65536} {
		add(fmt.Sprintf("ping with %d bytes", size), 1002, []rfcFrame{pingOf(strings.Repeat("\xfe", size))}, nil)
		add(fmt.Sprintf("pong with %d bytes", size), 1002, []rfcFrame{pongOf(strings.Repeat("\xfe", size))}, nil)
	}
	var ten, answers []rfcFrame
	for i := range 10 {
		ten, answers = append(ten, pingOf(fmt.Sprint("payload-", i))), append(answers, pongOf(fmt.Sprint("payload-", i)))
	}
	add("ten pings", 0, ten, answers)
	add("ten pings between the halves of a text", 0, slices.Concat([]rfcFrame{startOf(opText, "a")}, ten, []rfcFrame{restOf("b")}),
		slices.Concat(answers, []rfcFrame{textOf("ab")}))
	add("a ping between two texts", 0, []rfcFrame{textOf("a"), pingOf("b"), textOf("c")}, []rfcFrame{textOf("a"), pongOf("b"), textOf("c")})
	return cases
}

// Section 3: reserved bits. Nothing negotiates a meaning for them.
func reservedBitCases() (cases []rfcCase) {
	for rsv := byte(1); rsv <= 7; rsv++ {
		for _, f := range []struct {
			name  string
			frame rfcFrame
		}{
			{"text", textOf("small")}, {"empty text", textOf("")}, {"binary", binaryOf("\x00\xff")},
			{"start of a text", startOf(opText, "x")}, {"ping", pingOf("p")}, {"pong", pongOf("p")}, {"close", closeOf(1000, "")},
		} {
			bad := f.frame
			bad.rsv = rsv
			name := fmt.Sprintf("3.%d %s", rsv, f.name)
			cases = append(cases,
				rfcCase{name: name, send: wire(bad), code: 1002},
				rfcCase{name: name + " between texts", send: wire(textOf("a"), bad, textOf("b")), want: []rfcFrame{textOf("a")}, code: 1002},
				rfcCase{name: name + ", octet by octet", send: wire(textOf("a"), bad), chop: 1, want: []rfcFrame{textOf("a")}, code: 1002},
			)
		}
		continued := restOf("x")
		continued.rsv = rsv
		cases = append(cases, rfcCase{name: fmt.Sprintf("3.%d continuation", rsv), send: wire(startOf(opText, "a"), continued), code: 1002})
	}
	return cases
}

// Section 4: opcodes that mean nothing.
func opcodeCases() (cases []rfcCase) {
	for _, op := range []byte{3, 4, 5, 6, 7, 11, 12, 13, 14, 15} {
		for _, p := range []string{"", "payload"} {
			bad := rfcFrame{fin: true, op: op, payload: []byte(p)}
			name := fmt.Sprintf("4.%d with %d bytes", op, len(p))
			cases = append(cases,
				rfcCase{name: name, send: wire(bad), code: 1002},
				rfcCase{name: name + " between texts", send: wire(textOf("a"), bad, textOf("b"), pingOf("")), want: []rfcFrame{textOf("a")}, code: 1002},
				rfcCase{name: name + ", octet by octet", send: wire(textOf("a"), bad), chop: 1, want: []rfcFrame{textOf("a")}, code: 1002},
				rfcCase{name: name + " in a message", send: wire(startOf(opText, "a"), bad, restOf("b")), code: 1002},
				rfcCase{name: name + " as a start", send: wire(rfcFrame{op: op, payload: []byte(p)}), code: 1002},
			)
		}
	}
	return cases
}

// Section 5: fragmentation.
func fragmentCases() (cases []rfcCase) {
	add := func(name string, code int, send, want []rfcFrame) {
		for _, way := range ways {
			cases = append(cases, rfcCase{name: "5 " + name + ", " + way.name, send: wire(send...), chop: way.chop, want: want, code: code})
		}
	}
	for _, op := range []byte{opPing, opPong, opClose} {
		add(fmt.Sprintf("control frame %x in two halves", op), 1002, []rfcFrame{{op: op, payload: []byte("frag")}, restOf("ment")}, nil)
		add(fmt.Sprintf("control frame %x that is not final, in a message", op), 1002,
			[]rfcFrame{startOf(opText, "a"), {op: op, payload: []byte("frag")}, restOf("b")}, nil)
	}
	for _, op := range []byte{opText, opBinary} {
		kind := kindOf(op)
		whole := func(s string) rfcFrame { return rfcFrame{fin: true, op: op, payload: []byte(s)} }
		for n := 2; n <= 6; n++ {
			frames, want := []rfcFrame{startOf(op, "part1")}, "part1"
			for i := 2; i <= n; i++ {
				s := fmt.Sprint("part", i)
				frames, want = append(frames, rfcFrame{fin: i == n, payload: []byte(s)}), want+s
			}
			add(fmt.Sprintf("%s in %d fragments", kind, n), 0, frames, []rfcFrame{whole(want)})
		}
		add(kind+", an empty start", 0, []rfcFrame{startOf(op, ""), restOf("b")}, []rfcFrame{whole("b")})
		add(kind+", an empty middle", 0, []rfcFrame{startOf(op, "a"), moreOf(""), restOf("b")}, []rfcFrame{whole("ab")})
		add(kind+", an empty end", 0, []rfcFrame{startOf(op, "a"), restOf("")}, []rfcFrame{whole("a")})
		add(kind+" of empty fragments", 0, []rfcFrame{startOf(op, ""), moreOf(""), restOf("")}, []rfcFrame{whole("")})
		add(kind+" in five fragments with two pings", 0,
			[]rfcFrame{startOf(op, "1"), moreOf("2"), pingOf("p1"), moreOf("3"), moreOf("4"), pingOf("p2"), restOf("5")},
			[]rfcFrame{pongOf("p1"), pongOf("p2"), whole("12345")})
		add(kind+", a second start inside", 1002, []rfcFrame{startOf(op, "a"), startOf(op, "b"), restOf("c")}, nil)
		add(kind+", a whole message inside", 1002, []rfcFrame{startOf(op, "a"), whole("b"), restOf("c")}, nil)
		add(kind+", a whole message inside, behind more of it", 1002, []rfcFrame{startOf(op, "a"), moreOf("b"), whole("c")}, nil)
		add(kind+", the next message behind it", 0, []rfcFrame{startOf(op, "a"), restOf("b"), startOf(op, "c"), restOf("d"), whole("e")},
			[]rfcFrame{whole("ab"), whole("cd"), whole("e")})
		add(kind+", more behind its end", 1002, []rfcFrame{startOf(op, "a"), restOf("b"), moreOf("c")}, []rfcFrame{whole("ab")})
		add(kind+", another end behind its end", 1002, []rfcFrame{startOf(op, "a"), restOf("b"), restOf("c"), whole("d")}, []rfcFrame{whole("ab")})
		add(kind+", and a continuation first", 1002, []rfcFrame{restOf("c"), whole("d")}, nil)
		add(kind+", and a continuation that goes on first", 1002, []rfcFrame{moreOf("c"), whole("d")}, nil)
		add(kind+" of large fragments", 0,
			[]rfcFrame{startOf(op, strings.Repeat("a", 70_000)), moreOf(strings.Repeat("b", 126)), restOf(strings.Repeat("c", 5000))},
			[]rfcFrame{whole(strings.Repeat("a", 70_000) + strings.Repeat("b", 126) + strings.Repeat("c", 5000))})
	}
	add("an empty continuation of nothing", 1002, []rfcFrame{restOf("")}, nil)
	add("an empty continuation of nothing that goes on", 1002, []rfcFrame{moreOf("")}, nil)
	return cases
}

// Text that is right, with the borders of every length.
var goodText = []string{
	"", "Hello", "Hello-µ@ßöäüàá-UTF-8!!", "κόσμε", "日本語", "🎉🎊", "a\u0300e\u0301", "\ufeffBOM",
	"\x00", "\x7f", "\u0080", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\ufffd", "\ufffe", "\uffff", "\U00010000", "\U0001fffe",
	"\U0001ffff", "\U0002fffe", "\U0003ffff", "\U0007fffe", "\U000bffff", "\U000ffffe", "\U0010fffe", "\U0010ffff",
	"\u0080\u0800\U00010000", "\x00\u07ff\uffff\U0010ffff", strings.Repeat("ä", 63), strings.Repeat("€", 100) + "x",
}

// Text that is not, each with something right around it in places.
var badText = []string{
	// continuation bytes alone
	"\x80", "\xbf", "\x80\xbf", "\x80\xbf\x80\xbf\x80", "ok\x80", "\x81\x83",
	// starts alone, and followed by a space
	"\xc2", "\xdf", "\xe1", "\xef", "\xf1", "\xf4", "\xc2 ", "\xe1 ", "\xf1 ", "\xc3\x28",
	// cut
	"\xe1\x80", "\xef\xbf", "\xf1\x80", "\xf1\x80\x80", "\xf4\x8f\xbf", "κόσ\xce", "ok\xe2\x82",
	// cut, and something behind it
	"\xe1\x80A", "\xf1\x80\x80A", "\xf1\x80A", "\xe2\x82ok",
	// bytes that are never right
	"\xc0", "\xc1", "\xf5", "\xf8", "\xfc", "\xfe", "\xff", "\xfe\xfe\xff\xff", "x\xffy", "\xfa",
	// longer than needed
	"\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf", "\xe0\x9f\xbf", "\xf0\x80\x80\xaf", "\xf0\x8f\xbf\xbf", "\xf8\x80\x80\x80\xaf",
	"\xfc\x80\x80\x80\x80\xaf", "\xc0\x80", "\xe0\x80\x80", "\xf0\x80\x80\x80", "\xf8\x88\x80\x80\x80", "\xfc\x84\x80\x80\x80\x80",
	// surrogates, alone and in pairs
	"\xed\xa0\x80", "\xed\xad\xbf", "\xed\xae\x80", "\xed\xaf\xbf", "\xed\xb0\x80", "\xed\xbe\x80", "\xed\xbf\xbf",
	"\xed\xa0\x80\xed\xb0\x80", "\xed\xaf\xbf\xed\xbf\xbf",
	// beyond U+10FFFF
	"\xf4\x90\x80\x80", "\xf4\x90", "\xf5\x80\x80\x80", "\xf7\xbf\xbf\xbf", "κόσμε\xf4\x90\x80\x80edited",
	"Hello-µ@ß\xed\xa0\x80-UTF-8!!",
}

// Section 6: UTF-8. A text fails at the first byte that nothing can make right, whole or not.
func utf8Cases() (cases []rfcCase) {
	for i, s := range goodText {
		name := fmt.Sprintf("6.1.%d valid %+.20q", i+1, s)
		want := []rfcFrame{textOf(s)}
		cases = append(cases,
			rfcCase{name: name + ", whole", send: wire(textOf(s)), want: want},
			rfcCase{name: name + ", octet by octet", send: wire(textOf(s)), chop: 1, want: want},
			rfcCase{name: name + ", a fragment an octet", send: wire(octets(s, true)...), want: want},
			rfcCase{name: name + ", a fragment an octet, octet by octet", send: wire(octets(s, true)...), chop: 1, want: want},
			rfcCase{name: name + ", as a close reason", send: wire(closeOf(1000, shortened(s))), code: 1000, body: closeOf(1000, shortened(s)).payload},
		)
	}
	for i, s := range badText {
		name := fmt.Sprintf("6.2.%d invalid %+.20q", i+1, s)
		cases = append(cases,
			rfcCase{name: name + ", whole", send: wire(textOf(s)), code: 1007},
			rfcCase{name: name + ", octet by octet", send: wire(textOf("ok"), textOf(s)), chop: 1, want: []rfcFrame{textOf("ok")}, code: 1007},
			rfcCase{name: name + ", a fragment an octet", send: wire(octets(s, true)...), code: 1007},
			rfcCase{name: name + ", as binary", send: wire(binaryOf(s)), want: []rfcFrame{binaryOf(s)}},
			rfcCase{name: name + ", as a ping", send: wire(pingOf(s)), want: []rfcFrame{pongOf(s)}},
			rfcCase{name: name + ", as a close reason", send: wire(closeOf(1000, s)), code: 1007},
		)
		if n := invalidAt(s); n > 0 {
			// The rest is never sent: whoever waits for it does not pass.
			head := wire(rfcFrame{fin: true, op: opText, payload: []byte(s + strings.Repeat("x", 200)), mask: 1})
			cases = append(cases,
				rfcCase{name: name + ", fails fast in a frame", send: head[:8+n], code: 1007},
				rfcCase{name: name + ", fails fast in a frame, octet by octet", send: head[:8+n], chop: 1, code: 1007},
				rfcCase{name: name + ", fails fast in a message", send: wire(startOf(opText, s[:n])), code: 1007},
				rfcCase{name: name + ", fails fast in fragments", send: wire(octets(s[:n], false)...), code: 1007},
			)
		}
	}
	return cases
}

// octets is a text with a fragment for each byte; whole if it ends.
func octets(s string, whole bool) []rfcFrame {
	frames := []rfcFrame{startOf(opText, "")}
	for i := range len(s) {
		frames = append(frames, moreOf(s[i:i+1]))
	}
	frames[len(frames)-1].fin = whole
	return frames
}

// shortened is as much of s as fits a close frame.
func shortened(s string) string {
	for len(s) > 123 {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return s
}

// invalidAt is the number of bytes of s from which on nothing can make it right, 0 if it is only cut short.
func invalidAt(s string) int {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r != utf8.RuneError || n > 1 {
			i += n
			continue
		}
		for k := 1; i+k <= len(s); k++ {
			if utf8.FullRuneInString(s[i : i+k]) {
				return i + k
			}
		}
		return 0
	}
	return 0
}

// Section 7: closing.
func closeCases() (cases []rfcCase) {
	add := func(c rfcCase) {
		c.name = "7 " + c.name
		cases = append(cases, c)
		c.name, c.chop = c.name+", octet by octet", 1
		cases = append(cases, c)
	}
	for _, code := range []int{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3001, 3999, 4000, 4001, 4200, 4999} {
		add(rfcCase{name: fmt.Sprint("code ", code), send: wire(closeOf(code, "")), code: code, body: closeOf(code, "").payload})
		add(rfcCase{name: fmt.Sprint("code ", code, " and a reason"), send: wire(closeOf(code, "bye ä")), code: code, body: closeOf(code, "bye ä").payload})
	}
	// 1012 to 1014 are registered by now; they are refused as Reverb refuses them.
	for _, code := range []int{0, 1, 999, 1004, 1005, 1006, 1012, 1013, 1014, 1015, 1016, 1100, 2000, 2999, 5000, 65535} {
		add(rfcCase{name: fmt.Sprint("code ", code), send: wire(closeOf(code, "")), code: 1002})
		add(rfcCase{name: fmt.Sprint("code ", code, " and a reason"), send: wire(closeOf(code, "bye")), code: 1002})
	}
	add(rfcCase{name: "nothing in it", send: wire(rfcFrame{fin: true, op: opClose}), code: 1000})
	add(rfcCase{name: "one byte in it", send: wire(rfcFrame{fin: true, op: opClose, payload: []byte{3}}), code: 1002})
	for _, n := range []int{1, 50, 122, 123} {
		f := closeOf(1000, strings.Repeat("r", n))
		add(rfcCase{name: fmt.Sprintf("a reason of %d bytes", n), send: wire(f), code: 1000, body: f.payload})
	}
	for _, n := range []int{124, 125, 65536} {
		add(rfcCase{name: fmt.Sprintf("a reason of %d bytes", n), send: wire(closeOf(1000, strings.Repeat("r", n))), code: 1002})
	}
	bye := closeOf(1000, "")
	add(rfcCase{name: "a text before", send: wire(textOf("a"), bye), want: []rfcFrame{textOf("a")}, code: 1000})
	add(rfcCase{name: "a large text before", send: wire(textOf(strings.Repeat("a", 30_000)), bye), want: []rfcFrame{textOf(strings.Repeat("a", 30_000))}, code: 1000})
	add(rfcCase{name: "a ping before", send: wire(pingOf("a"), bye), want: []rfcFrame{pongOf("a")}, code: 1000})
	add(rfcCase{name: "a text behind", send: wire(bye, textOf("a")), code: 1000})
	add(rfcCase{name: "a large text behind", send: wire(bye, textOf(strings.Repeat("a", 30_000))), code: 1000})
	add(rfcCase{name: "a ping behind", send: wire(bye, pingOf("a")), code: 1000})
	add(rfcCase{name: "another close behind", send: wire(bye, closeOf(1001, "")), code: 1000})
	add(rfcCase{name: "a violation behind", send: wire(bye, rfcFrame{op: 15, rsv: 7, bare: true}), code: 1000})
	add(rfcCase{name: "in a fragmented message", send: wire(startOf(opText, "a"), bye, restOf("b")), code: 1000})
	add(rfcCase{name: "not final", send: wire(rfcFrame{op: opClose, payload: bye.payload}), code: 1002})
	add(rfcCase{name: "without a mask", send: wire(rfcFrame{fin: true, op: opClose, payload: bye.payload, bare: true}), code: 1002})
	return cases
}

// Section 9: limits. The largest message is 16 MiB.
func limitCases() (cases []rfcCase) {
	const largest = 16 << 20
	for _, op := range []byte{opText, opBinary} {
		kind := kindOf(op)
		for _, size := range []int{64 << 10, 256 << 10, 1 << 20, 4 << 20, 8 << 20, largest} {
			p := bytes.Repeat([]byte("0123456789abcdef"), size/16)
			cases = append(cases, rfcCase{
				name: fmt.Sprintf("9.%d %s of %d KiB", op, kind, size>>10),
				send: wire(rfcFrame{fin: true, op: op, payload: p}), want: []rfcFrame{{op: op, payload: p}},
			})
		}
		p := bytes.Repeat([]byte("0123456789abcdef"), 4<<20/16)
		for _, fragment := range []int{256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20} {
			cases = append(cases, rfcCase{
				name: fmt.Sprintf("9.%d %s of 4 MiB in fragments of %d bytes", op, kind, fragment),
				send: fragments(op, p, fragment), want: []rfcFrame{{op: op, payload: p}},
			})
		}
		p = bytes.Repeat([]byte{'f'}, 65_540*64)
		cases = append(cases, rfcCase{
			name: fmt.Sprintf("9.%d %s in 65540 fragments", op, kind), send: fragments(op, p, 64), want: []rfcFrame{{op: op, payload: p}},
		})
		p = bytes.Repeat([]byte("0123456789abcdef"), 1<<20/16)
		for _, chop := range []int{64, 128, 256, 512, 1024, 2048} {
			cases = append(cases, rfcCase{
				name: fmt.Sprintf("9.%d %s of 1 MiB in chops of %d bytes", op, kind, chop),
				send: wire(rfcFrame{fin: true, op: op, payload: p}), chop: chop, want: []rfcFrame{{op: op, payload: p}},
			})
		}
		claim := func(n uint64) []byte {
			return append(binary.BigEndian.AppendUint64([]byte{0x80 | op, 0x80 | 127}, n), 1, 2, 3, 4)
		}
		cases = append(cases,
			rfcCase{name: fmt.Sprintf("9.%d %s of a byte too many, announced", op, kind), send: claim(largest + 1), code: 1009},
			rfcCase{name: fmt.Sprintf("9.%d %s of 2^40 bytes, announced", op, kind), send: claim(1 << 40), code: 1009},
			rfcCase{name: fmt.Sprintf("9.%d %s of 2^63-1 bytes, announced", op, kind), send: claim(1<<63 - 1), code: 1009},
			rfcCase{
				name: fmt.Sprintf("9.%d %s of a byte too many, in fragments", op, kind),
				send: tooMany(op, largest), code: 1009,
			},
		)
	}
	return cases
}

// fragments is a message of p in fragments of n bytes.
func fragments(op byte, p []byte, n int) (b []byte) {
	for f := (rfcFrame{op: op}); len(p) > 0; f.op = opCont {
		m := min(n, len(p))
		f.payload, f.fin = p[:m], m == len(p)
		b, p = f.append(b), p[m:]
	}
	return b
}

// tooMany is a message that reaches the limit without ending, and one byte more.
func tooMany(op byte, limit int) []byte {
	b := rfcFrame{op: op, payload: bytes.Repeat([]byte{'a'}, limit/2)}.append(nil)
	b = rfcFrame{payload: bytes.Repeat([]byte{'a'}, limit/2)}.append(b)
	return restOf("a").append(b)
}
