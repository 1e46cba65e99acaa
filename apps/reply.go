package apps

import (
	"net/http"
	"strconv"
)

// reply is one answer of the API.
type reply struct {
	status int
	body   []byte
	plain  bool // text, else JSON
	header [2]string
}

func ok(body []byte) reply { return reply{status: http.StatusOK, body: body} }

func text(status int, s string) reply { return reply{status: status, body: []byte(s), plain: true} }

var notFound = text(http.StatusNotFound, "Not found.")

func methodNotAllowed(allow string) reply {
	r := text(http.StatusMethodNotAllowed, "Method not allowed.")
	r.header = [2]string{"Allow", allow}
	return r
}

// overloaded tells a publisher to come back: nothing was delivered.
func overloaded() reply {
	r := jsonError(http.StatusServiceUnavailable, "the server has too much waiting to be delivered; try again")
	r.header = [2]string{"Retry-After", "1"}
	return r
}

func (r reply) write(w http.ResponseWriter, method string) {
	h := w.Header()
	if r.plain {
		h["Content-Type"] = plainType
	} else {
		h["Content-Type"] = jsonType
	}
	h["Content-Length"] = []string{strconv.Itoa(len(r.body))}
	if r.header[0] != "" {
		h[r.header[0]] = r.header[1:]
	}
	w.WriteHeader(r.status)
	if method != http.MethodHead {
		_, _ = w.Write(r.body) // the connection's owner learns of a failed write
	}
}

var (
	jsonType  = []string{"application/json"}
	plainType = []string{"text/plain; charset=utf-8"}
)
