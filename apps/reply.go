package apps

import (
	"net/http"
	"strconv"
)

// reply is one answer of the API.
type reply struct {
	status int
	body   []byte
	plain  bool   // text, else JSON
	header string // name of one more header; "" for none
	value  []string
	length []string // contentLength, if that is known already
}

func ok(body []byte) reply { return reply{status: http.StatusOK, body: body} }

// always returns a constant reply, whose Content-Length is computed once.
func always(body string) reply {
	r := ok([]byte(body))
	r.length = contentLength(r.body)
	return r
}

func text(status int, s string) reply { return reply{status: status, body: []byte(s), plain: true} }

var notFound = text(http.StatusNotFound, "Not found.")

// noFallback answers what pusher-js asks for when it gives WebSockets up.
var noFallback = text(http.StatusNotFound, `The HTTP transports of pusher-js (xhr, sockjs) are not served. `+
	`Set enabledTransports: ["ws", "wss"], and look for what keeps WebSockets from this server.`)

func methodNotAllowed(allow string) reply {
	r := text(http.StatusMethodNotAllowed, "Method not allowed.")
	r.header, r.value = "Allow", []string{allow}
	return r
}

// overloaded asks a publisher to try again: nothing was delivered.
func overloaded() reply {
	r := jsonError(http.StatusServiceUnavailable, "the server has too much waiting to be delivered; try again")
	r.header, r.value = "Retry-After", []string{"1"}
	return r
}

func (r reply) write(w http.ResponseWriter, method string) {
	h := w.Header()
	if r.plain {
		h["Content-Type"] = plainType
	} else {
		h["Content-Type"] = jsonType
		h["Cache-Control"] = noCache // as Reverb's JSON answers
	}
	if h["Content-Length"] = r.length; r.length == nil {
		h["Content-Length"] = contentLength(r.body)
	}
	if r.header != "" {
		h[r.header] = r.value
	}
	w.WriteHeader(r.status)
	if method != http.MethodHead {
		_, _ = w.Write(r.body) // the connection's owner learns of a failed write
	}
}

func contentLength(body []byte) []string { return []string{strconv.Itoa(len(body))} }

var (
	jsonType  = []string{"application/json"}
	noCache   = []string{"no-cache, private"}
	plainType = []string{"text/plain; charset=utf-8"}
)
