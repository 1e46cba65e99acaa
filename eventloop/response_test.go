package eventloop

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestResponseBytes(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("elsewhere", 3600))
	const date = "Date: Fri, 02 Jan 2026 02:04:05 GMT\r\n"
	for _, tc := range []struct {
		name      string
		write     func(r *response)
		method    string
		keepAlive bool
		want      string
	}{
		{"nothing", func(*response) {}, "GET", true,
			"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + date + "Connection: keep-alive\r\n\r\n"},
		{"a body", func(r *response) {
			r.Header().Set("Content-Type", "application/json")
			_, _ = r.Write([]byte("{"))
			_, _ = r.Write([]byte("}"))
		}, "GET", true, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n" + date + "Connection: keep-alive\r\n\r\n{}"},
		{"the first status counts", func(r *response) {
			r.WriteHeader(404)
			r.WriteHeader(200)
		}, "GET", false, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n" + date + "Connection: close\r\n\r\n"},
		{"Reverb's word for 413", func(r *response) { r.WriteHeader(413) }, "POST", false,
			"HTTP/1.1 413 Request Entity Too Large\r\nContent-Length: 0\r\n" + date + "Connection: close\r\n\r\n"},
		{"headers in order, and with several values", func(r *response) {
			r.Header()["B"] = []string{"1", "2"}
			r.Header()["A"] = []string{"x"}
		}, "GET", true, "HTTP/1.1 200 OK\r\nA: x\r\nB: 1\r\nB: 2\r\nContent-Length: 0\r\n" + date + "Connection: keep-alive\r\n\r\n"},
		{"HEAD of who wrote a body", func(r *response) { r.text(500, "sorry") }, "HEAD", true,
			"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 5\r\nContent-Type: text/plain; charset=utf-8\r\n" + date + "Connection: keep-alive\r\n\r\n"},
		{"HEAD of who said the length", func(r *response) { r.Header()["Content-Length"] = []string{"7"} }, "HEAD", true,
			"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n" + date + "Connection: keep-alive\r\n\r\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := &response{}
			for range 2 { // a response is used again
				r.reset()
				tc.write(r)
				r.stripHeadBody(&http.Request{Method: tc.method})
				if got := string(r.appendTo([]byte("before"), tc.keepAlive, now)); got != "before"+tc.want {
					t.Errorf("got\n%s\nwant\n%s", strings.ReplaceAll(got, "\r", "␍"), strings.ReplaceAll(tc.want, "\r", "␍"))
				}
			}
		})
	}
}
