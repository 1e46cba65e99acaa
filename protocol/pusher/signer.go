package pusher

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
)

// Signer verifies requests that are signed with the secret of one app, one after the other: it is not safe for concurrent use.
//
// A keyed hash takes its key in before anything else, which for the short texts of the protocol is half of the work and
// nearly all of the memory, so one that has done that is used again. It holds what the secret, which the app keeps anyway,
// would give away.
type Signer struct {
	mac  hash.Hash
	text []byte // what is signed
	sum  [sha256.Size]byte
	hex  [2 * sha256.Size]byte
	had  [2 * sha256.Size]byte // the signature that was given
}

// maxSpareText is the largest text whose memory is kept, in bytes.
const maxSpareText = 4096

// NewSigner returns the signer of a secret.
func NewSigner(secret string) *Signer {
	return &Signer{mac: hmac.New(sha256.New, []byte(secret))}
}

// Verify reports whether q holds the right auth_signature for its request. The other arguments are those of StringToSign.
// Neither auth_key nor auth_timestamp is looked at. The comparison takes the same time wherever the difference is.
func (s *Signer) Verify(q Query, method, path string, body []byte) bool {
	return s.verify(q, method, path, digestOf(body))
}

// VerifyClaim is Verify for a request whose body is not there yet: with the body_md5 that the query claims. It reports true for
// a query without one, which a request may leave out: only the body can tell then.
func (s *Signer) VerifyClaim(q Query, method, path string) bool {
	claim, ok := q.claimedDigest()
	return !ok || s.verify(q, method, path, claim)
}

func (s *Signer) verify(q Query, method, path string, body digest) bool {
	i, found := q.find("auth_signature")
	if !found || q[i].values != nil || len(q[i].value) != len(s.had) {
		return false
	}
	copy(s.had[:], q[i].value)
	if cap(s.text) > maxSpareText {
		s.text = nil
	}
	s.text = q.appendStringToSign(s.text[:0], method, path, body)
	return hmac.Equal(s.signature(), s.had[:])
}

// signature is HMAC-SHA256 of the text in lower-case hexadecimal, the form of all signatures of the protocol. It is valid until
// the next one.
func (s *Signer) signature() []byte {
	s.mac.Reset()
	s.mac.Write(s.text)
	hex.Encode(s.hex[:], s.mac.Sum(s.sum[:0]))
	return s.hex[:]
}
