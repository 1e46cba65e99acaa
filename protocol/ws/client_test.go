package ws

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
)

// What a client sends, built by hand so that the tests do not lean on the code they test.

const (
	fin  = 0x80
	mask = 0x80
)

// clientFrame is a masked frame whose first byte is b0: FIN, reserved bits and opcode. The length is written the
// shortest way.
func clientFrame(b0 byte, payload string) []byte {
	switch n := len(payload); {
	case n <= 125:
		return maskedFrame([]byte{b0, mask | byte(n)}, payload)
	case n <= 0xffff:
		return maskedFrame(binary.BigEndian.AppendUint16([]byte{b0, mask | 126}, uint16(n)), payload)
	default:
		return maskedFrame(binary.BigEndian.AppendUint64([]byte{b0, mask | 127}, uint64(n)), payload)
	}
}

func maskedFrame(start []byte, payload string) []byte {
	key := [4]byte{0x37, 0xfa, 0x21, 0x3d} // of RFC 6455 section 5.7
	b := append(start, key[:]...)
	for i := range len(payload) {
		b = append(b, payload[i]^key[i%4])
	}
	return b
}

func text(s string) []byte          { return clientFrame(fin|byte(OpText), s) }
func binaryMessage(s string) []byte { return clientFrame(fin|byte(OpBinary), s) }
func ping(s string) []byte          { return clientFrame(fin|byte(OpPing), s) }

// first, middle and last are the fragments of a message.
func first(op OpCode, s string) []byte { return clientFrame(byte(op), s) }
func middle(s string) []byte           { return clientFrame(0, s) }
func last(s string) []byte             { return clientFrame(fin, s) }

func join(frames ...[]byte) []byte { return bytes.Join(frames, nil) }

// found is an Event that outlives the call of Next that returned it.
type found struct {
	Op      OpCode
	Payload string
}

func (f found) String() string {
	if len(f.Payload) > 40 {
		return fmt.Sprintf("%x:%d bytes", byte(f.Op), len(f.Payload))
	}
	return fmt.Sprintf("%x:%q", byte(f.Op), f.Payload)
}

// feed gives chunks to r as a connection would, each in a buffer that is overwritten once it is used up, so that
// memory kept by mistake shows.
func feed(r *Reader, limit int64, chunks ...[]byte) (events []found, err *CloseError) {
	for _, chunk := range chunks {
		buf := bytes.Clone(chunk)
		for p := buf; len(p) > 0; {
			ev, n, err := r.Next(p, limit)
			if err != nil {
				return events, err
			}
			if n <= 0 || n > len(p) {
				panic(fmt.Sprintf("Next consumed %d of %d bytes", n, len(p)))
			}
			if ev.Op != 0 {
				events = append(events, found{ev.Op, string(ev.Payload)})
			}
			// A caller may change the payload, and must not reach into what follows it.
			clear(ev.Payload)
			_ = append(ev.Payload, 0xff)
			p = p[n:]
		}
		copy(buf, strings.Repeat("\xff", len(buf)))
	}
	return events, nil
}

// octets cuts b into chunks of one byte.
func octets(b []byte) (chunks [][]byte) {
	for i := range b {
		chunks = append(chunks, b[i:i+1])
	}
	return chunks
}
