package publish

import (
	"errors"
	"strings"
	"testing"
)

func TestParseReply(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
	for name, c := range map[string]struct {
		p     string
		ended bool
		want  reply
		n     int
		body  string
		err   error
	}{
		"a reply":                 {p: ok, want: reply{status: 200}, n: len(ok), body: "{}"},
		"and the next":            {p: ok + "HTTP", want: reply{status: 200}, n: len(ok), body: "{}"},
		"without its last byte":   {p: ok[:len(ok)-1]},
		"half a head":             {p: ok[:30]},
		"nothing":                 {},
		"padded lower-case names": {p: "HTTP/1.1 401 Unauthorized\r\ncontent-length:   3\r\n\r\nno.", n: 53, want: reply{status: 401}, body: "no."},
		"closes":                  {p: "HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n", n: 57, want: reply{status: 200, last: true}},
		"version 1.0 closes":      {p: "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", n: 38, want: reply{status: 200, last: true}},
		"or not":                  {p: "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", n: 62, want: reply{status: 200}},
		"chunked":                 {p: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", n: 59, want: reply{status: 200}, body: "2\r\n{}\r\n0\r\n\r\n"},
		"half a chunk":            {p: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"},
		"until the end":           {p: "HTTP/1.1 404 Not Found\r\n\r\nNot", want: reply{}},
		"and the end":             {p: "HTTP/1.1 404 Not Found\r\n\r\nNot found.", ended: true, n: 36, want: reply{status: 404, last: true}, body: "Not found."},
		"the end in the head":     {p: ok[:30], ended: true, err: errReply},
		"no HTTP":                 {p: "SSH-2.0-OpenSSH", err: errReply},
		"no number":               {p: "HTTP/1.1 two OK\r\n\r\n", err: errReply},
		"a wrong length":          {p: "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", err: errReply},
		"endless":                 {p: "HTTP/1.1 200 OK\r\n" + strings.Repeat("A: b\r\n", 5000), err: errReply},
	} {
		t.Run(name, func(t *testing.T) {
			got, n, err := parseReply([]byte(c.p), c.ended)
			if !errors.Is(err, c.err) || n != c.n {
				t.Fatalf("%d bytes, %v; want %d, %v", n, err, c.n, c.err)
			}
			if n > 0 && (got.status != c.want.status || got.last != c.want.last || string(got.body) != c.body) {
				t.Errorf("reply is %d %q, last %v; want %d %q, %v", got.status, got.body, got.last, c.want.status, c.body, c.want.last)
			}
		})
	}
}

func FuzzParseReply(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"), false)
	f.Add([]byte("HTTP/1.0 200 OK\r\n\r\n"), true)
	f.Fuzz(func(t *testing.T, p []byte, ended bool) {
		r, n, err := parseReply(p, ended)
		if n > len(p) || len(r.body) > n || err != nil && n > 0 {
			t.Errorf("%d of %d bytes, body of %d, %v", n, len(p), len(r.body), err)
		}
	})
}
