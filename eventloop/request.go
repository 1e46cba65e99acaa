package eventloop

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/http/httputil"
	"strings"
)

// requestError is the response to bytes that are not a request, or not one that is served. The connection ends with it.
type requestError struct {
	status int
	text   string // of the response
}

func (e *requestError) Error() string { return "eventloop: " + e.text }

// How bytes can fail to be a request.
var (
	errBadRequest     = &requestError{http.StatusBadRequest, "Bad request."}
	errTooLarge       = &requestError{http.StatusRequestEntityTooLarge, "Payload too large."}
	errURITooLong     = &requestError{http.StatusRequestURITooLong, "URI too long."}
	errVersion        = &requestError{http.StatusHTTPVersionNotSupported, "HTTP version not supported."}
	errTransferCoding = &requestError{http.StatusNotImplemented, "Transfer coding not supported."}
)

// requestReader reads the requests of one connection from the pieces in which they arrive. net/http parses them; requestReader only
// finds where a request ends, so that its body can be read without waiting.
//
// The zero value is ready.
type requestReader struct {
	buffered []byte        // what has arrived of an incomplete request
	head     *http.Request // its head, when that is complete
	body     bodyScanner   // how far the body has arrived
	size     int           // bytes of the head
}

// idle reports whether no part of a request has arrived.
func (in *requestReader) idle() bool { return len(in.buffered) == 0 && in.head == nil }

// wantsContinue reports whether the client waits for 100 Continue before it sends the body (RFC 9110 section 10.1.1).
func (in *requestReader) wantsContinue() bool {
	return in.head != nil && in.head.ProtoAtLeast(1, 1) && strings.EqualFold(in.head.Header.Get("Expect"), "100-continue")
}

// next returns the request that ends in p and how many bytes of p belong to it. If none ends there it returns nil, and has taken all
// of p. limit is the largest request, head and body, in bytes; 0 is no limit. The body of the request aliases p, or memory that in does
// not use again.
func (in *requestReader) next(p []byte, limit int, h *headReader) (r *http.Request, n int, err *requestError) {
	if in.idle() {
		for n < len(p) && (p[n] == '\r' || p[n] == '\n') {
			n++ // RFC 9112 section 2.2: empty lines before a request are ignored
		}
		r, used, err := in.advance(p[n:], 0, limit, h)
		if r == nil && err == nil {
			in.buffered = append(in.buffered, p[n:]...)
			used = len(p) - n
		}
		return r, n + used, err
	}
	before := len(in.buffered)
	in.buffered = append(in.buffered, p...)
	r, used, err := in.advance(in.buffered, before, limit, h)
	if r == nil {
		return nil, len(p), err
	}
	*in = requestReader{}
	return r, used - before, nil
}

// advance looks for the end of a request in all, which is everything that has arrived of it. The first seen bytes are not new.
func (in *requestReader) advance(all []byte, seen, limit int, h *headReader) (*http.Request, int, *requestError) {
	if in.head == nil {
		size := headSize(all, seen)
		switch {
		case over(size, limit) || size == 0 && over(len(all), limit):
			if bytes.IndexByte(all[:limit], '\n') < 0 {
				return nil, 0, errURITooLong
			}
			return nil, 0, errTooLarge
		case size == 0:
			return nil, 0, nil
		}
		if err := checkHead(all[:size]); err != nil {
			return nil, 0, err
		}
		head, err := h.read(all[:size])
		if err != nil {
			return nil, 0, errBadRequest
		}
		in.head, in.size, in.body = head, size, newBodyScanner(head)
	}
	end, err := in.body.scan(all[in.size:])
	switch {
	case limit > 0 && in.body.least() > limit-in.size: // not a sum: a claimed length could make it overflow
		return nil, 0, errTooLarge
	case err != nil:
		return nil, 0, errBadRequest
	case !end:
		return nil, 0, nil
	}
	r, total := in.head, in.size+in.body.at
	if err := in.attach(r, all[in.size:total]); err != nil {
		return nil, 0, errBadRequest
	}
	*in = requestReader{}
	return r, total, nil
}

func over(size, limit int) bool { return limit > 0 && size > limit }

// attach sets the body of r.
func (in *requestReader) attach(r *http.Request, raw []byte) error {
	if !in.body.chunked {
		r.Body = &body{raw}
		return nil
	}
	decoded, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(raw)))
	r.Body = &body{decoded}
	return err
}

// body is a request body in memory.
type body struct{ rest []byte }

func (b *body) Read(p []byte) (int, error) {
	if len(b.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

func (b *body) Close() error { return nil }

// Bytes is what has not been read. It aliases the body.
func (b *body) Bytes() []byte { return b.rest }

// headSize returns the size of the head that p begins with, including the empty line that ends it, and 0 if that has not arrived. The
// first seen bytes of p are not new.
func headSize(p []byte, seen int) int {
	for i := max(seen-3, 0); i < len(p); i++ {
		lf := bytes.IndexByte(p[i:], '\n')
		if lf < 0 {
			return 0
		}
		i += lf
		switch {
		case i+1 < len(p) && p[i+1] == '\n':
			return i + 2
		case i+2 < len(p) && p[i+1] == '\r' && p[i+2] == '\n':
			return i + 3
		}
	}
	return 0
}

// headReader parses heads with net/http. Each loop has one, to reuse its buffer.
type headReader struct {
	bytes bytes.Reader
	buf   *bufio.Reader
}

func (h *headReader) read(head []byte) (*http.Request, error) {
	h.bytes.Reset(head)
	if h.buf == nil {
		h.buf = bufio.NewReaderSize(&h.bytes, 4096)
	} else {
		h.buf.Reset(&h.bytes)
	}
	return http.ReadRequest(h.buf)
}
