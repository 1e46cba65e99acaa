package publish

import (
	"bytes"
	"errors"
	"strconv"
)

// reply is the answer to a request.
type reply struct {
	status int
	body   []byte
	last   bool // the server closes the connection after it
}

var errReply = errors.New("publish: the answer is not HTTP")

// parseReply reads the reply that p begins with, and returns its size in p, or 0 if p is incomplete. ended says that the stream has
// ended, which ends a body without a length (RFC 9112 section 6.3).
func parseReply(p []byte, ended bool) (r reply, n int, err error) {
	end := bytes.Index(p, []byte("\r\n\r\n"))
	if end < 0 {
		const enough = 16 << 10
		if ended || len(p) > enough || len(p) > 4 && !bytes.HasPrefix(p, []byte("HTTP")) {
			return r, 0, errReply
		}
		return r, 0, nil
	}
	head, body := p[:end+2], p[end+4:]
	if r.status, r.last, err = parseStatus(head); err != nil {
		return r, 0, err
	}
	switch value, found := field(head, "content-length"); {
	case found:
		length, err := strconv.ParseUint(string(value), 10, 31)
		if err != nil {
			return r, 0, errReply
		}
		if uint64(len(body)) < length {
			return r, 0, nil
		}
		r.body = body[:length]
	case isChunked(head):
		// A chunked body is only shown in an error, with its chunk sizes.
		const lastChunk = "0\r\n\r\n"
		at := bytes.Index(body, []byte(lastChunk))
		if at < 0 {
			return r, 0, nil
		}
		r.body = body[:at+len(lastChunk)]
	case !ended:
		return r, 0, nil
	default:
		r.body, r.last = body, true
	}
	return r, end + 4 + len(r.body), nil
}

// parseStatus reads the status code, and whether the server closes the connection, from the version and the Connection header.
func parseStatus(head []byte) (status int, last bool, err error) {
	line, _, _ := bytes.Cut(head, []byte("\r\n"))
	version, rest, _ := bytes.Cut(line, []byte(" "))
	code, _, _ := bytes.Cut(rest, []byte(" "))
	status, err = strconv.Atoi(string(code))
	if err != nil || !bytes.HasPrefix(version, []byte("HTTP/1.")) {
		return 0, false, errReply
	}
	connection, _ := field(head, "connection")
	if string(version) == "HTTP/1.0" {
		return status, !bytes.EqualFold(connection, []byte("keep-alive")), nil
	}
	return status, bytes.EqualFold(connection, []byte("close")), nil
}

func isChunked(head []byte) bool {
	value, _ := field(head, "transfer-encoding")
	return bytes.EqualFold(value, []byte("chunked"))
}

// field returns the value of a header field. name is in lower case.
func field(head []byte, name string) (value []byte, found bool) {
	for len(head) > 0 {
		line, rest, _ := bytes.Cut(head, []byte("\r\n"))
		head = rest
		if len(line) > len(name) && line[len(name)] == ':' && bytes.EqualFold(line[:len(name)], []byte(name)) {
			return bytes.TrimSpace(line[len(name)+1:]), true
		}
	}
	return nil, false
}
