package apps

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"reverbd/broadcast"
	"reverbd/broadcast/limitlog"
	"reverbd/protocol/pusher"
)

// API is the Pusher HTTP API with Reverb's routes, texts and bodies, under the path prefix. Its fields are set once, before
// the first request.
type API struct {
	Registry  *Registry
	Prefix    string        // "" or "/ws": no trailing slash; not part of what clients sign
	Tolerance time.Duration // how far auth_timestamp may be from our clock; 0 is any distance
	Trace     Trace         // nil: no trace
	Limits    *limitlog.Log // may be nil
	Log       *zap.Logger   // nil: no log
	Now       func() time.Time
	Timed     bool    // measure how long requests take
	refused   thinned // lines about refused requests

	calls    [broadcast.MaxLoops]*call // by loop, which owns it; nil until it is needed
	draining atomic.Bool
}

// StartDraining makes /up answer 503 from now on, so that a load balancer sends no new clients here. All other routes are served.
func (a *API) StartDraining() { a.draining.Store(true) }

// Draining reports whether StartDraining has been called.
func (a *API) Draining() bool { return a.draining.Load() }

// call is the state of one request. A loop uses one call for all of its requests, which reuse its memory.
type call struct {
	api    *API
	app    *App
	loop   *broadcast.Loop // the loop that serves it, nil if none does
	method string
	began  time.Time // zero if nobody wants to know
	path   string    // percent-encoded, without the prefix
	parts  []string  // of path, decoded
	query  pusher.Query
	body   []byte
	header string // X-Idempotency-Key
	key    string // idempotency key of the publish; "" for none

	events       []event                 // that it publishes
	channels     [][]byte                // of all of these
	publications []broadcast.Publication // one for each event and channel
}

// maxKept is the capacity of events, and of channels, up to which reset keeps the memory.
const maxKept = 128

// call returns an empty call. The call of a loop serves one request at a time; without a loop it is a new one.
func (a *API) call(l *broadcast.Loop) *call {
	if l == nil {
		return &call{}
	}
	c := &a.calls[l.Index()]
	if *c == nil {
		*c = &call{parts: make([]string, 0, maxParts), query: make(pusher.Query, 0, 8)}
	}
	return *c
}

// reset drops the references of a call to its request, and keeps its memory.
func (c *call) reset() {
	clear(c.events)
	clear(c.channels)
	clear(c.query)
	clear(c.publications)
	*c = call{
		parts: c.parts[:0], query: c.query[:0], events: c.events[:0], channels: c.channels[:0], publications: c.publications[:0],
	}
	if cap(c.events) > maxKept {
		c.events = nil
	}
	if cap(c.channels) > maxKept {
		c.channels = nil
	}
	if cap(c.publications) > maxKept {
		c.publications = nil
	}
}

// health is the path that load balancers ask.
const health = "/up"

// handler answers a call that has been authenticated.
type handler func(*call) reply

// ServeHTTP answers one request. The body must be complete; the caller bounds its size.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.Serve(nil, w, r) }

// Serve is ServeHTTP on a loop, which may be nil.
func (a *API) Serve(loop *broadcast.Loop, w http.ResponseWriter, r *http.Request) {
	body, err := readBody(r.Body)
	if err != nil {
		text(http.StatusBadRequest, "Bad request.").write(w, r.Method)
		return
	}
	c := a.call(loop)
	c.api, c.loop, c.method, c.body = a, loop, r.Method, body
	if loop == nil { // else r has no such field: see Immediate
		c.header = r.Header.Get(idempotencyHeader)
	}
	defer c.reset()
	c.begin()
	handle, answer := c.authenticate(r, true)
	if handle != nil {
		answer = handle(c)
	}
	answer.write(w, r.Method)
	c.end(answer)
}

// Refuse answers a request whose head has arrived and whose body has not, if no body can make it right, and reports whether it has:
// then the body need not be kept. It must be called on the loop.
func (a *API) Refuse(loop *broadcast.Loop, w http.ResponseWriter, r *http.Request) bool {
	c := a.call(loop)
	c.api, c.loop, c.method = a, loop, r.Method
	defer c.reset()
	handle, refusal := c.authenticate(r, false)
	if handle != nil {
		return false
	}
	if a.Limits.Count(limitlog.EarlyRefusals) {
		a.Limits.Write(limitlog.EarlyRefusals, zap.String("path", r.URL.Path), zap.Int("status", refusal.status))
	}
	refusal.write(w, r.Method)
	c.end(refusal)
	return true
}

// readBody returns a request's body, without a copy if the body is one piece of memory (has a method Bytes).
func readBody(body io.Reader) ([]byte, error) {
	if b, ok := body.(interface{ Bytes() []byte }); ok {
		return b.Bytes(), nil
	}
	return io.ReadAll(body)
}

// Immediate reports whether r only publishes, so that it may be answered on the loop that read it: nothing in it waits, and
// a hand-over to another goroutine would cost more than the work. A publish that may ask for info waits for the other nodes, if
// there are any.
func (a *API) Immediate(r *http.Request) bool {
	publishes := r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "events")
	return publishes && !isLong(r.Body) && r.Header.Get(idempotencyHeader) == "" && !mayHaveKey(r.Body) && (!a.Registry.Clustered() || !mayRequestInfo(r.Body))
}

// maxOnLoop is the largest body that is handled on a loop, in bytes. Its signature and JSON take 0.1 ms, and the most channels that
// fit about as long; connections of the loop would have to wait for more.
const maxOnLoop = 32 << 10

// isLong reports that a body, which is one piece of memory, is larger than maxOnLoop.
func isLong(body io.Reader) bool {
	b, ok := body.(interface{ Bytes() []byte })
	return ok && len(b.Bytes()) > maxOnLoop
}

// mayHaveKey reports whether the body of a publish may have an idempotency key, which may have to wait. One that is written with
// escapes is found on the loop, where a node alone decides without waiting; on several nodes mayRequestInfo finds the escapes.
func mayHaveKey(body io.Reader) bool {
	b, ok := body.(interface{ Bytes() []byte })
	return ok && bytes.Contains(b.Bytes(), []byte("idempotency_key"))
}

// mayRequestInfo reports whether the body of a publish may have the field info.
func mayRequestInfo(body io.Reader) bool {
	b, ok := body.(interface{ Bytes() []byte })
	return !ok || bytes.Contains(b.Bytes(), []byte(`"info"`)) || bytes.Contains(b.Bytes(), []byte(`\u006`))
}

// authenticate returns what handles the request, or, with nil, why it is refused. Without its body the signature is checked for the
// body that the query claims.
func (c *call) authenticate(r *http.Request, whole bool) (handle handler, refusal reply) {
	path, rawQuery := target(r)
	path, ok := strings.CutPrefix(path, c.api.Prefix)
	if !ok && path != health { // who checks it need not know the prefix
		return nil, notFound
	}
	c.path = path
	if strings.HasPrefix(path, "/pusher/") {
		return nil, noFallback
	}
	allow, handle := c.route()
	if handle == nil {
		return nil, notFound
	}
	if c.method != allow && (allow != http.MethodGet || c.method != http.MethodHead) {
		return nil, methodNotAllowed(allow)
	}
	if c.parts[0] == "up" {
		return handle, reply{}
	}
	if c.app = c.api.Registry.ByID(c.parts[1]); c.app == nil {
		return nil, text(http.StatusNotFound, "No matching application for ID ["+c.parts[1]+"].")
	}
	if c.app.Disabled {
		return nil, text(http.StatusForbidden, pusher.ErrDisabled.Message+".")
	}
	// One reading of the query serves the signature and everything after it: a parameter that is given twice must not
	// mean one thing to the one and another to the other.
	if c.query, ok = pusher.ParseQueryInto(c.query, rawQuery); !ok || !c.verify(whole) {
		return nil, text(http.StatusUnauthorized, "Authentication signature invalid.")
	}
	if err := c.api.checkTimestamp(c.query.Get("auth_timestamp")); err != nil {
		return nil, text(http.StatusUnauthorized, err.Error())
	}
	return handle, reply{}
}

// target returns the path and the query of r as they were received: signatures are over those bytes.
func target(r *http.Request) (path, query string) {
	if strings.HasPrefix(r.RequestURI, "/") {
		path, query, _ = strings.Cut(r.RequestURI, "?")
		return path, query
	}
	return r.URL.EscapedPath(), r.URL.RawQuery
}

// maxParts is how many parts the longest path has.
const maxParts = 5

// split decodes the parts of c.path. A part that holds a slash once it is decoded, and an empty one, match nothing.
func (c *call) split() bool {
	rest, more := strings.CutPrefix(c.path, "/")
	if !more {
		return false
	}
	for more {
		var part string
		part, rest, more = strings.Cut(rest, "/")
		decoded, err := url.PathUnescape(part)
		if err != nil || decoded == "" || strings.Contains(decoded, "/") || len(c.parts) == maxParts {
			return false
		}
		c.parts = append(c.parts, decoded)
	}
	return true
}

// route finds the handler and the method of c.path.
func (c *call) route() (method string, h handler) {
	if method, h, ok := c.userRoute(); ok {
		return method, h
	}
	if !c.split() {
		return "", nil
	}
	parts := c.parts
	at := func(i int, s string) bool { return i < len(parts) && parts[i] == s }
	switch {
	case len(parts) == 1 && at(0, "up"):
		return http.MethodGet, up
	case !at(0, "apps"):
	case len(parts) == 3 && at(2, "events"):
		return http.MethodPost, publish
	case len(parts) == 3 && at(2, "batch_events"):
		return http.MethodPost, publishBatch
	case len(parts) == 3 && at(2, "connections"):
		return http.MethodGet, connections
	case len(parts) == 3 && at(2, "channels"):
		return http.MethodGet, channels
	case len(parts) == 4 && at(2, "channels"):
		return http.MethodGet, channel
	case len(parts) == 5 && at(2, "channels") && at(4, "users"):
		return http.MethodGet, users
	}
	return "", nil
}

// checkTimestamp refuses a request that was signed too long ago, or in the future: it may be a replay.
func (a *API) checkTimestamp(given string) error {
	if a.Tolerance <= 0 {
		return nil
	}
	now := a.now()
	seconds, err := parseUnix(given)
	if err != nil {
		return fmt.Errorf("auth_timestamp %q is not a Unix time in seconds; server time is %d (%s)",
			given, now.Unix(), now.UTC().Format(time.RFC3339))
	}
	if d := now.Sub(seconds); d > a.Tolerance || d < -a.Tolerance {
		return fmt.Errorf("auth_timestamp %d (%s) is not within %d s of server time %d (%s)",
			seconds.Unix(), seconds.UTC().Format(time.RFC3339), int(a.Tolerance/time.Second),
			now.Unix(), now.UTC().Format(time.RFC3339))
	}
	return nil
}

func (a *API) now() time.Time {
	if a.Now != nil {
		return a.Now()
	}
	return time.Now()
}
