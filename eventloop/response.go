package eventloop

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

// response collects one HTTP response as bytes. It implements http.ResponseWriter.
type response struct {
	header http.Header
	status int
	body   []byte
	date   date
}

// date caches the value of the Date header, which changes once a second.
type date struct {
	second int64
	text   []byte
}

// at returns the value for a time.
func (d *date) at(now time.Time) []byte {
	if second := now.Unix(); second != d.second || d.text == nil {
		d.second, d.text = second, now.UTC().AppendFormat(d.text[:0], http.TimeFormat)
	}
	return d.text
}

func (r *response) reset() {
	if r.header == nil {
		r.header = make(http.Header, 4)
	}
	clear(r.header)
	r.status, r.body = 0, r.body[:0]
}

// Header implements http.ResponseWriter.
func (r *response) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter.
func (r *response) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

// Write implements http.ResponseWriter.
func (r *response) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	r.body = append(r.body, p...)
	return len(p), nil
}

// text makes r a plain text response.
func (r *response) text(status int, message string) {
	r.reset()
	r.header["Content-Type"] = []string{"text/plain; charset=utf-8"}
	r.WriteHeader(status)
	r.body = append(r.body, message...)
}

// stripHeadBody removes the body of a response to HEAD: the client would read it as the beginning of the next response.
func (r *response) stripHeadBody(req *http.Request) {
	if req.Method != http.MethodHead || len(r.body) == 0 {
		return
	}
	if r.header["Content-Length"] == nil {
		r.header["Content-Length"] = []string{strconv.Itoa(len(r.body))}
	}
	r.body = r.body[:0]
}

// appendTo appends the response in wire format. The handler has set Content-Type, and Content-Length where it is not the length of the
// body, as for HEAD.
func (r *response) appendTo(dst []byte, keepAlive bool, now time.Time) []byte {
	r.WriteHeader(http.StatusOK)
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(r.status), 10)
	dst = append(dst, ' ')
	dst = append(dst, statusText(r.status)...)
	dst = append(dst, "\r\n"...)
	for _, name := range r.names() {
		for _, value := range r.header[name] {
			dst = appendHeader(dst, name, value)
		}
	}
	if r.header["Content-Length"] == nil {
		dst = appendHeader(dst, "Content-Length", strconv.Itoa(len(r.body)))
	}
	dst = append(dst, "Date: "...)
	dst = append(dst, r.date.at(now)...)
	if keepAlive {
		dst = append(dst, "\r\nConnection: keep-alive\r\n\r\n"...)
	} else {
		dst = append(dst, "\r\nConnection: close\r\n\r\n"...)
	}
	return append(dst, r.body...)
}

// names returns the names of the header fields in order. It does not allocate for up to eight.
func (r *response) names() []string {
	var buf [8]string
	names := buf[:0]
	for name := range r.header {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func appendHeader(dst []byte, name, value string) []byte {
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	dst = append(dst, value...)
	return append(dst, "\r\n"...)
}

// statusText is http.StatusText with Reverb's text for 413.
func statusText(status int) string {
	if status == http.StatusRequestEntityTooLarge {
		return "Request Entity Too Large"
	}
	return http.StatusText(status)
}
