package pusher

import (
	"math/rand/v2"
	"strconv"
	"strings"
)

// SocketID names one connection on all nodes: two numbers from 1 to 1,000,000,000, written "829374.55812" (Reverb's
// GeneratesIdentifiers; pusher-http-php demands \A\d+\.\d+\z). The first is in the upper 32 bits, the second in
// the lower. The zero SocketID is none.
type SocketID uint64

const maxSocketNumber = 1_000_000_000

// NewSocketID returns a random id. With its 60 bits, a million connections share one with a chance of 1 in two
// million; it is a name and not a secret.
func NewSocketID() SocketID {
	return newSocketID(1+rand.Uint32N(maxSocketNumber), 1+rand.Uint32N(maxSocketNumber))
}

func newSocketID(a, b uint32) SocketID { return SocketID(a)<<32 | SocketID(b) }

// Append appends the id's text, at most 21 bytes.
func (id SocketID) Append(dst []byte) []byte {
	dst = strconv.AppendUint(dst, uint64(id>>32), 10)
	dst = append(dst, '.')
	return strconv.AppendUint(dst, uint64(uint32(id)), 10)
}

// String returns the id's text.
func (id SocketID) String() string { return string(id.Append(make([]byte, 0, 21))) }

// ParseSocketID is the inverse of String. ok is false for anything that String does not return for some id.
func ParseSocketID[T Text](s T) (id SocketID, ok bool) {
	var space [21]byte
	if len(s) > len(space) {
		return 0, false
	}
	first, second, _ := strings.Cut(string(s), ".")
	a, okA := socketNumber(first)
	b, okB := socketNumber(second)
	if !okA || !okB {
		return 0, false
	}
	return newSocketID(a, b), true
}

// socketNumber reads a number from 1 to maxSocketNumber without sign or leading zeros.
func socketNumber(s string) (n uint32, ok bool) {
	if s == "" || len(s) > 10 || s[0] == '0' {
		return 0, false
	}
	v, err := strconv.ParseUint(s, 10, 64)
	return uint32(v), err == nil && v <= maxSocketNumber
}
