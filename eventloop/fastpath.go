package eventloop

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
)

// fastPathParser parses the requests that publishers send most: a POST with nothing unusual in its head, which has arrived completely,
// with a Content-Length. net/http would spend a tenth of the CPU of a small event on the head, and allocate a kilobyte. Every other
// request is left to net/http. What fastPathParser takes, net/http reads the same: see FuzzFastPath.
//
// Each loop has one. The request that it returns is valid until the next one, its body aliases p, and it has no Header: nothing on the
// path of an event reads that.
type fastPathParser struct {
	request http.Request
	url     url.URL
	body    body
}

// read returns the request that p begins with and its size, or nil if it does not take the fast path. limit is as for requestReader.
func (f *fastPathParser) read(p []byte, limit int) (*http.Request, int) {
	h := fastPathHead{length: -1}
	target, rest, ok := requestLine(p)
	if !ok {
		return nil, 0
	}
	if rest, ok = h.fields(rest); !ok || h.host == nil || h.length < 0 || h.length > len(rest) {
		return nil, 0
	}
	size := len(p) - len(rest) + h.length
	if over(size, limit) {
		return nil, 0
	}
	f.set(string(target), h, rest[:h.length])
	return &f.request, size
}

func (f *fastPathParser) set(target string, h fastPathHead, raw []byte) {
	path, query, _ := strings.Cut(target, "?")
	f.url = url.URL{Path: path, RawQuery: query}
	f.body = body{raw}
	host := f.request.Host
	if host != string(h.host) {
		host = string(h.host)
	}
	f.request = http.Request{
		Method: http.MethodPost, URL: &f.url, RequestURI: target, Host: host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: &f.body, ContentLength: int64(h.length),
	}
}

// requestLine returns the target of a POST, and what follows the request line. The target is a path without percent-encoding, and a
// query.
func requestLine(p []byte) (target, rest []byte, ok bool) {
	const before, after = "POST /", " HTTP/1.1\r\n"
	if len(p) < len(before) || string(p[:len(before)]) != before {
		return nil, nil, false
	}
	p = p[len(before)-1:]
	end := bytes.IndexByte(p, ' ')
	if end < 0 || len(p)-end < len(after) || string(p[end:end+len(after)]) != after {
		return nil, nil, false
	}
	target, rest = p[:end], p[end+len(after):]
	question := bytes.IndexByte(target, '?')
	if question < 0 || question == len(target)-1 || !only(target[:question], inPath) || !only(target[question+1:], inQuery) {
		return nil, nil, false
	}
	return target, rest, len(target) > 1 && target[1] != '/'
}

// fastPathHead is what the fast path needs of the fields of a head.
type fastPathHead struct {
	host   []byte
	length int // of the body; -1 without Content-Length
}

// fields reads the lines up to the empty one and returns what follows it.
func (h *fastPathHead) fields(p []byte) (rest []byte, ok bool) {
	for {
		end := bytes.IndexByte(p, '\n')
		if end < 1 || p[end-1] != '\r' {
			return nil, false
		}
		line := p[:end-1]
		p = p[end+1:]
		if len(line) == 0 {
			return p, true
		}
		colon := bytes.IndexByte(line, ':')
		if colon < 1 || !only(line[:colon], inToken) || !only(line[colon+1:], inValue) {
			return nil, false
		}
		if !h.field(line[:colon], bytes.TrimSpace(line[colon+1:])) {
			return nil, false
		}
	}
}

// field reads one field. It reports false for a field that says anything unusual about the connection or the body.
func (h *fastPathHead) field(name, value []byte) bool {
	switch len(name) {
	case len("Host"):
		if strings.EqualFold(string(name), "Host") {
			first := h.host == nil
			h.host = value
			return first && len(value) > 0 && only(value, inHost)
		}
	case len("Content-Length"):
		if strings.EqualFold(string(name), "Content-Length") {
			return h.setLength(value)
		}
	case len("Connection"):
		if strings.EqualFold(string(name), "Connection") {
			return strings.EqualFold(string(value), "keep-alive")
		}
	case len("Expect"), len("Trailer"), len("Transfer-Encoding"): // Upgrade is as long as Trailer, X-Idempotency-Key as Transfer-Encoding
		return !strings.EqualFold(string(name), "Expect") && !strings.EqualFold(string(name), "Trailer") &&
			!strings.EqualFold(string(name), "Upgrade") && !strings.EqualFold(string(name), "Transfer-Encoding") &&
			!strings.EqualFold(string(name), "X-Idempotency-Key")
	}
	return true
}

// setLength reads a Content-Length. It reports false for a second one.
func (h *fastPathHead) setLength(digits []byte) bool {
	const most = 9 // digits, which an int can always hold
	if h.length >= 0 || len(digits) == 0 || len(digits) > most {
		return false
	}
	h.length = 0
	for _, d := range digits {
		if d < '0' || d > '9' {
			return false
		}
		h.length = 10*h.length + int(d-'0')
	}
	return true
}
