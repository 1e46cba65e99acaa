package dialect

import (
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // the protocol demands it
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"net/url"
	"strconv"
	"time"
)

// signer makes signed requests to the HTTP API. It does what pusher.SignQuery does, in a microsecond and without allocating, because
// a publisher shares the machine with the server that it measures.
type signer struct {
	target   Target
	mac      hash.Hash // HMAC with the secret
	now      func() time.Time
	scratch  []byte
	path     []byte // of the app, without the prefix
	rawQuery []byte // the parameters that are signed
	sum      [sha256.Size]byte
}

func newSigner(t Target) *signer {
	return &signer{
		target: t, mac: hmac.New(sha256.New, []byte(t.Secret)), now: time.Now,
		path: []byte("/apps/" + url.PathEscape(t.AppID)),
	}
}

// append appends a POST request to the app's path.
func (s *signer) append(dst []byte, path string, body []byte) []byte {
	s.setQuery(body)
	dst = append(dst, "POST "...)
	dst = append(dst, s.target.Prefix...)
	dst = append(dst, s.path...)
	dst = append(dst, path...)
	dst = append(dst, '?')
	dst = append(dst, s.rawQuery...)
	dst = append(dst, "&auth_signature="...)
	dst = s.appendSignature(dst, path)
	dst = append(dst, " HTTP/1.1\r\nHost: "...)
	dst = append(dst, s.target.Host...)
	dst = append(dst, "\r\nContent-Type: application/json\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(body)), 10)
	dst = append(dst, "\r\n\r\n"...)
	return append(dst, body...)
}

// setQuery sets rawQuery for a body. App keys need no encoding: Options.Validate checks them.
func (s *signer) setQuery(body []byte) {
	sum := md5.Sum(body) //nolint:gosec // the protocol demands it
	q := s.rawQuery[:0]
	q = append(q, "auth_key="...)
	q = append(q, s.target.Key...)
	q = append(q, "&auth_timestamp="...)
	q = strconv.AppendInt(q, s.now().Unix(), 10)
	q = append(q, "&auth_version=1.0&body_md5="...)
	s.rawQuery = hex.AppendEncode(q, sum[:])
}

func (s *signer) appendSignature(dst []byte, path string) []byte {
	text := s.scratch[:0]
	text = append(text, "POST\n"...)
	text = append(text, s.path...)
	text = append(text, path...)
	text = append(text, '\n')
	text = append(text, s.rawQuery...)
	s.scratch = text
	s.mac.Reset()
	s.mac.Write(s.scratch)
	return hex.AppendEncode(dst, s.mac.Sum(s.sum[:0]))
}
