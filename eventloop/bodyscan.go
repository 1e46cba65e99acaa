package eventloop

import (
	"errors"
	"net/http"
)

// bodyScanner finds the end of a request body in bytes that arrive in pieces. It reads each byte of a chunked body once.
type bodyScanner struct {
	at      int // bytes that belong to the body for certain
	length  int // of a body that is not chunked
	chunked bool
	state   chunkState
	left    int // bytes of the current chunk, or its size while that is read
	digits  int
}

// chunkState says what the next byte of a chunked body is (RFC 9112 section 7.1).
type chunkState uint8

const (
	chunkSize      chunkState = iota // a digit of the size
	chunkExtension                   // anything up to the end of the line, which is CRLF: see step
	chunkSizeLF
	chunkData
	chunkDataCR // the end of the line after the data
	chunkDataLF
	trailerStart // a trailer line, or the empty line that ends the body
	trailerLine
	trailerLineLF
	trailerLF
)

var errChunk = errors.New("eventloop: malformed chunked body")

// maxChunkDigits keeps a chunk's size in an int.
const maxChunkDigits = 12

func newBodyScanner(r *http.Request) bodyScanner {
	if len(r.TransferEncoding) > 0 {
		return bodyScanner{chunked: true}
	}
	return bodyScanner{length: int(max(r.ContentLength, 0))}
}

// scan reads on in p, which is the body as far as it has arrived, and reports whether the body is complete: then it ends at s.at.
func (s *bodyScanner) scan(p []byte) (complete bool, err error) {
	if !s.chunked {
		s.at = min(s.length, len(p))
		return s.at == s.length, nil
	}
	for s.at < len(p) {
		if s.state == chunkData {
			n := min(s.left, len(p)-s.at)
			s.at, s.left = s.at+n, s.left-n
			if s.left == 0 {
				s.state = chunkDataCR
			}
			continue
		}
		b := p[s.at]
		s.at++
		if done, err := s.step(b); done || err != nil {
			return done, err
		}
	}
	return false, nil
}

// step reads one byte that is not the data of a chunk. Every line must end in CRLF: a server that takes a lone LF for the end of a
// line, which RFC 9112 section 2.2 allows in a head alone, may see another end of the body than the proxy in front of it.
func (s *bodyScanner) step(b byte) (done bool, err error) {
	switch s.state {
	case chunkSize:
		return false, s.sizeByte(b)
	case chunkExtension:
		switch {
		case b == '\r':
			s.state = chunkSizeLF
		case bytesIn[b]&inFieldValue == 0:
			return false, errChunk
		}
	case chunkSizeLF:
		if b != '\n' {
			return false, errChunk
		}
		s.endSizeLine()
	case chunkDataCR:
		if b != '\r' {
			return false, errChunk
		}
		s.state = chunkDataLF
	case chunkDataLF:
		if b != '\n' {
			return false, errChunk
		}
		s.state, s.digits = chunkSize, 0
	case trailerStart:
		switch b {
		case '\n':
			return false, errChunk
		case '\r':
			s.state = trailerLF
		default:
			s.state = trailerLine
		}
	case trailerLF:
		if b != '\n' {
			return false, errChunk
		}
		return true, nil
	case trailerLine:
		switch b {
		case '\n':
			return false, errChunk
		case '\r':
			s.state = trailerLineLF
		}
	case trailerLineLF:
		if b != '\n' {
			return false, errChunk
		}
		s.state = trailerStart
	}
	return false, nil
}

func (s *bodyScanner) sizeByte(b byte) error {
	digit, ok := hexDigit(b)
	switch {
	case ok && s.digits < maxChunkDigits:
		s.left, s.digits = s.left<<4|digit, s.digits+1
	case ok || s.digits == 0:
		return errChunk
	case b == '\r':
		s.state = chunkSizeLF
	case b == ';' || b == ' ' || b == '\t':
		s.state = chunkExtension
	default:
		return errChunk
	}
	return nil
}

func (s *bodyScanner) endSizeLine() {
	if s.left == 0 {
		s.state = trailerStart
	} else {
		s.state = chunkData
	}
}

// least is a lower bound for the size of the whole body.
func (s *bodyScanner) least() int {
	if s.chunked && s.state == chunkData {
		return s.at + s.left
	}
	return max(s.at, s.length)
}

func hexDigit(b byte) (int, bool) {
	switch {
	case '0' <= b && b <= '9':
		return int(b - '0'), true
	case 'a' <= b && b <= 'f':
		return int(b-'a') + 10, true
	case 'A' <= b && b <= 'F':
		return int(b-'A') + 10, true
	}
	return 0, false
}
