package eventloop

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"strings"
)

// What a request can end in before it is one.
var (
	errBadRequest = errors.New("eventloop: not an HTTP request")
	errTooLarge   = errors.New("eventloop: request larger than the limit")
)

// requestReader reads the requests of one connection from the pieces in which they arrive. Requests are parsed by net/http; the requestReader
// only finds where one ends, so that a body is read once it is there.
//
// The zero value is ready.
type requestReader struct {
	buffered []byte        // what has arrived of a request that is not complete
	head     *http.Request // its head, once that is complete
	body     bodyScanner   // how far the body has come
	size     int           // bytes of the head
}

// idle reports that no part of a request has arrived.
func (in *requestReader) idle() bool { return len(in.buffered) == 0 && in.head == nil }

// wantsContinue reports whether the client waits to be told to send the body (RFC 9110 section 10.1.1).
func (in *requestReader) wantsContinue() bool {
	return in.head != nil && in.head.ProtoAtLeast(1, 1) && strings.EqualFold(in.head.Header.Get("Expect"), "100-continue")
}

// next takes from p what belongs to the request and returns the request if it is complete, else nil and all of p is
// taken. limit is the largest request, head and body, in bytes; 0 is no limit. The request's body aliases p, or memory
// that the requestReader does not use again.
func (in *requestReader) next(p []byte, limit int, h *headReader) (r *http.Request, n int, err error) {
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

// advance looks for the end of a request in all, everything that has arrived of it; the first seen bytes it knows.
func (in *requestReader) advance(all []byte, seen, limit int, h *headReader) (*http.Request, int, error) {
	if in.head == nil {
		size := headSize(all, seen)
		switch {
		case over(size, limit) || size == 0 && over(len(all), limit):
			return nil, 0, errTooLarge
		case size == 0:
			return nil, 0, nil
		}
		head, err := h.read(all[:size])
		if err != nil {
			return nil, 0, errBadRequest
		}
		in.head, in.size, in.body = head, size, newBodyScanner(head)
	}
	end, err := in.body.scan(all[in.size:])
	switch {
	case err != nil:
		return nil, 0, errBadRequest
	case limit > 0 && in.body.least() > limit-in.size: // not a sum, which a claimed length could make overflow
		return nil, 0, errTooLarge
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

// attach gives r its body.
func (in *requestReader) attach(r *http.Request, raw []byte) error {
	if !in.body.chunked {
		r.Body = &body{raw}
		return nil
	}
	decoded, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(raw)))
	r.Body = &body{decoded}
	return err
}

// body is a request body that is there already.
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

// Bytes is what has not been read.
func (b *body) Bytes() []byte { return b.rest }

// headSize returns the number of bytes up to and with the empty line that ends a head, 0 if it is not there yet. seen bytes
// have been looked through before.
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

// headReader parses heads with net/http. Each loop has one, for its buffer.
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
