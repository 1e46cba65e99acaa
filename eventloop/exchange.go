package eventloop

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"time"

	"go.uber.org/zap"
)

// Timeouts of HTTP connections.
const (
	requestTime = 10 * time.Second // to a complete request: from the accept to the first one, from its first byte to any other
	idleTime    = 75 * time.Second // between requests
)

// exchange is what a connection keeps while it speaks HTTP.
type exchange struct {
	intake intake
	since  time.Time // when the wait for the current request began
	served bool      // a request has been answered: the connection may be idle
	asked  bool      // 100 Continue has been sent for the current request
	busy   bool      // a worker answers a request; what arrives meanwhile waits in held
	held   []byte
	full   bool // more has arrived than held may hold: the connection ends with the answer that is due
}

// receiveHTTP handles the first request of p, or keeps what there is of it, and returns what is behind it.
func (c *conn) receiveHTTP(p []byte) []byte {
	x := c.http
	if x.busy {
		c.hold(p)
		return nil
	}
	first := x.intake.idle()
	if first {
		if n := c.servePublish(p); n > 0 {
			return p[n:]
		}
	}
	r, n, err := x.intake.next(p, c.loop.server.maxRequestSize(), &c.loop.heads)
	switch {
	case errors.Is(err, errTooLarge):
		c.refuse(http.StatusRequestEntityTooLarge, "Payload too large.")
		return nil
	case err != nil:
		c.refuse(http.StatusBadRequest, "Bad request.")
		return nil
	case r == nil:
		if first && x.served && !x.intake.idle() {
			x.since = time.Now()
			c.lookIn(c.loop.server.requestTime) // and not when the connection would have been idle for too long
		}
		if !x.asked && x.intake.wantsContinue() {
			x.asked = true
			c.Write([]byte("HTTP/1.1 100 Continue\r\n\r\n"))
		}
		return nil
	}
	x.asked = false
	c.serve(r)
	return p[n:]
}

// servePublish answers the request that p begins with if it is the usual one of a publisher, and returns its size, else 0.
func (c *conn) servePublish(p []byte) int {
	s := c.loop.server
	r, n := c.loop.quick.read(p, s.maxRequestSize())
	if r == nil || !s.api.Immediate(r) || s.options.Accept(r.URL.Path) != nil {
		return 0
	}
	c.serveHere(r)
	return n
}

// hold keeps pipelined requests until a worker has answered the one before them. Too many of them are thrown away without an
// answer, since it would be taken for the one that is due; the client sees from the end of the connection which were not served.
func (c *conn) hold(p []byte) {
	x := c.http
	if x.full = x.full || len(x.held)+len(p) > c.loop.server.maxHeld(); x.full {
		x.held = nil
		return
	}
	x.held = append(x.held, p...)
}

// serve answers one request: with an upgrade, on this loop, or by a worker.
func (c *conn) serve(r *http.Request) {
	s := c.loop.server
	if session, refusal := s.session(r); refusal != nil {
		c.reply(refusal.Status, refusal.Header(), refusal.Reason, false)
		return
	} else if session != nil {
		c.upgrade(r, session)
		return
	}
	if s.api.Immediate(r) {
		c.serveHere(r)
		return
	}
	c.serveElsewhere(r)
}

func (c *conn) serveHere(r *http.Request) {
	resp := &c.loop.response
	resp.reset()
	c.loop.server.answer(c.loop, resp, r)
	c.respond(resp, !r.Close)
}

// serveElsewhere hands the request to a worker. Its body lies in the loop's buffer, so it is copied.
func (c *conn) serveElsewhere(r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(raw))
	job := func() {
		resp := &response{}
		resp.reset()
		c.loop.server.answer(nil, resp, r)
		c.loop.shared.Post(&answered{conn: c, response: resp, keepAlive: !r.Close})
	}
	if !c.loop.server.workers.submit(job) {
		resp := c.loop.text(http.StatusServiceUnavailable, "Too many requests are waiting.")
		resp.header["Retry-After"] = []string{"1"}
		resp.fit(r)
		c.respond(resp, !r.Close)
		return
	}
	c.http.busy = true
}

// answered is a worker's answer on its way to the loop.
type answered struct {
	conn      *conn
	response  *response
	keepAlive bool
}

// Run implements broadcast.Task.
func (a *answered) Run() {
	c := a.conn
	if c.state != requests {
		return
	}
	defer func() { c.loop.server.caught(recover(), "answer", c) }()
	c.http.busy = false
	c.respond(a.response, a.keepAlive && !c.http.full)
	if c.state == requests && len(c.http.held) > 0 {
		held := c.http.held
		c.http.held = nil
		c.receive(held)
	}
}

// refuse answers what is not a request, and ends the connection.
func (c *conn) refuse(status int, message string) { c.reply(status, nil, message, false) }

// reply answers with a text.
func (c *conn) reply(status int, header http.Header, message string, keepAlive bool) {
	resp := c.loop.text(status, message)
	for name, values := range header {
		resp.header[name] = values
	}
	c.respond(resp, keepAlive)
}

// respond writes a response, and ends the connection if the client asked for that or a shutdown has begun.
func (c *conn) respond(resp *response, keepAlive bool) {
	keepAlive = keepAlive && !c.loop.server.stopping.Load()
	now := time.Now()
	c.loop.out = resp.appendTo(c.loop.out[:0], keepAlive, now)
	c.Write(c.loop.out)
	if c.state != requests {
		return
	}
	if !keepAlive {
		c.linger()
		return
	}
	c.http.served, c.http.since = true, now
}

// lookHTTP ends a connection on which a request takes too long, or none comes.
func (c *conn) lookHTTP(now time.Time) time.Duration {
	x := c.http
	patience := c.loop.server.requestTime
	switch {
	case x.busy:
		return patience // the worker is slow, not the client
	case x.served && x.intake.idle():
		patience = c.loop.server.idleTime
	}
	if left := patience - now.Sub(x.since); left > 0 {
		return left
	}
	if x.intake.idle() {
		c.drop()
		return tick
	}
	c.refuse(http.StatusRequestTimeout, "Request timeout.")
	return tick
}

// answer runs the API. A panic there is our mistake: it costs the request, not the server.
func (s *Server) answer(l *loop, resp *response, r *http.Request) {
	defer func() {
		if cause := recover(); cause != nil {
			s.log.Error("request failed", zap.String("path", r.URL.Path), zap.Any("cause", cause), zap.Stack("stack"))
			resp.text(http.StatusInternalServerError, "Internal server error.")
		}
		resp.fit(r)
	}()
	if l == nil {
		s.api.Serve(nil, resp, r)
		return
	}
	s.api.Serve(l.shared, resp, r)
}
