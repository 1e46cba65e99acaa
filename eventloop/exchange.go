package eventloop

import (
	"bytes"
	"io"
	"net/http"
	"time"

	"go.uber.org/zap"

	"reverbd/broadcast"
	"reverbd/broadcast/limitlog"
)

// Timeouts of HTTP connections.
const (
	requestTimeout = 10 * time.Second // for a complete request: since the accept for the first one, since its first byte for any other
	idleTimeout    = 75 * time.Second // between requests
)

// exchange is what a connection has while it speaks HTTP.
type exchange struct {
	broadcast.Place // in loop.http
	conn            *conn

	reader       requestReader
	waitingSince time.Time // when the wait for the current request began
	served       bool      // a request has been answered: the connection may be idle
	continueSent bool      // 100 Continue has been sent for the current request
	checked      bool      // the head of the current request has been checked before its body
	pending      bool      // a worker answers a request
	pipelined    []byte    // what has arrived meanwhile
	ended        bool      // the client has shut down writing: see halfClosedConn
	pipelineFull bool      // more than maxPipelined has arrived: the connection ends with the response that is due
}

// receiveHTTP handles the first request of p, or keeps what there is of it, and returns what follows it.
func (c *conn) receiveHTTP(p []byte) []byte {
	x := c.http
	if x.pending {
		c.holdPipelined(p)
		return nil
	}
	first := x.reader.idle()
	if first {
		if !x.served && isTLS(p) {
			c.refuseTLS()
			return nil
		}
		if n := c.servePublish(p); n > 0 {
			return p[n:]
		}
	}
	r, n, err := x.reader.next(p, c.loop.server.maxRequestSize(), &c.loop.heads)
	switch {
	case err != nil:
		c.refuse(err.status, err.text)
		return nil
	case r == nil:
		if first && x.served && !x.reader.idle() {
			x.waitingSince = time.Now()
			c.resetTimer(c.loop.server.requestTimeout) // which ends before the idle timeout that the timer was for
		}
		if c.refuseEarly() {
			return nil
		}
		if !x.continueSent && x.reader.wantsContinue() {
			x.continueSent = true
			c.Write([]byte("HTTP/1.1 100 Continue\r\n\r\n"))
		}
		return nil
	}
	x.continueSent, x.checked = false, false
	c.serve(r)
	return p[n:]
}

// refuseEarly responds to a request whose head has arrived without its body, if no body can make it right, and ends the connection: a
// body of up to max_request_size is not kept for a request that is unsigned, too old, or for nobody. It reports whether it has.
func (c *conn) refuseEarly() bool {
	x, s := c.http, c.loop.server
	r := x.reader.head
	if r == nil || x.checked {
		return false
	}
	x.checked = true
	if s.options.Accept(r.URL.Path) != nil {
		return false
	}
	resp := &c.loop.response
	resp.reset()
	if !s.api.Refuse(c.loop.shared, resp, r) {
		return false
	}
	resp.stripHeadBody(r)
	c.respond(resp, false)
	return true
}

// servePublish answers the request that p begins with if it takes the fast path, and returns its size; else it returns 0.
func (c *conn) servePublish(p []byte) int {
	s := c.loop.server
	r, n := c.loop.fastPath.read(p, s.maxRequestSize())
	if r == nil || !s.api.Immediate(r) || s.options.Accept(r.URL.Path) != nil {
		return 0
	}
	c.serveOnLoop(r)
	return n
}

// holdPipelined keeps pipelined requests until a worker has answered the one before them. Too many of them are discarded without a
// response, since the client would take it for the one that is due; by the end of the connection the client knows which requests
// were not served.
func (c *conn) holdPipelined(p []byte) {
	x := c.http
	if x.pipelineFull {
		return
	}
	if s := c.loop.server; len(x.pipelined)+len(p) > s.maxPipelined() {
		x.pipelineFull, x.pipelined = true, nil
		if s.refusals.Count(limitlog.Pipelined) {
			s.refusals.Write(limitlog.Pipelined, zap.String("client", c.Client()))
		}
		return
	}
	x.pipelined = append(x.pipelined, p...)
}

// serve answers one request: with an upgrade, on this loop, or on a worker.
func (c *conn) serve(r *http.Request) {
	s := c.loop.server
	if session, refusal := s.upgradeTo(r); refusal != nil {
		c.reply(refusal.Status, refusal.Header(), refusal.Reason, false)
		return
	} else if session != nil {
		if s.stopping.Load() && c.http.served { // a proxy has kept the connection: it can pass the client on to another node
			c.reply(http.StatusServiceUnavailable, nil, reasonGoingAway, false)
			return
		}
		c.upgrade(r, session)
		return
	}
	if s.api.Immediate(r) {
		c.serveOnLoop(r)
		return
	}
	c.serveOnWorker(r)
}

func (c *conn) serveOnLoop(r *http.Request) {
	resp := &c.loop.response
	resp.reset()
	c.loop.server.callAPI(c.loop, resp, r)
	c.respond(resp, !r.Close)
}

// serveOnWorker hands the request to a worker. The body is in the loop's buffer, so it is copied.
func (c *conn) serveOnWorker(r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(raw))
	job := func() {
		resp := &response{}
		resp.reset()
		c.loop.server.callAPI(nil, resp, r)
		c.loop.shared.Post(&workerResponse{conn: c, response: resp, keepAlive: !r.Close})
	}
	if !c.loop.server.workers.submit(job) {
		resp := c.loop.textResponse(http.StatusServiceUnavailable, "Too many requests are waiting.")
		resp.header["Retry-After"] = []string{"1"}
		resp.stripHeadBody(r)
		c.respond(resp, !r.Close)
		return
	}
	c.http.pending = true
}

// workerResponse is the response of a worker on its way to the loop.
type workerResponse struct {
	conn      *conn
	response  *response
	keepAlive bool
}

// Run implements broadcast.Task.
func (w *workerResponse) Run() {
	c := w.conn
	if c.state != stateHTTP {
		return
	}
	defer func() { c.loop.server.recovered(recover(), "response", c) }()
	c.http.pending = false
	pipelined := c.http.pipelined
	c.http.pipelined = nil
	c.respond(w.response, w.keepAlive && !c.http.pipelineFull && (!c.http.ended || len(pipelined) > 0))
	if c.state == stateHTTP && len(pipelined) > 0 {
		c.loop.beginTurn()
		c.receive(pipelined)
	}
	if c.state == stateHTTP && c.http.ended && !c.http.pending {
		c.lingeringClose() // an incomplete request stays incomplete
	}
}

// refuse answers what is not a valid request, and ends the connection.
func (c *conn) refuse(status int, message string) {
	if told := c.loop.server.options.Refused; told != nil {
		told(c.loop.shared, c.Client(), status, message)
	}
	c.reply(status, nil, message, false)
}

// isTLS reports whether p begins with a record of a TLS handshake (RFC 8446 section 5.1).
func isTLS(p []byte) bool { return len(p) > 1 && p[0] == 0x16 && p[1] == 3 }

// refuseTLS closes a connection on which the client speaks TLS and the server does not. It could not read a response.
func (c *conn) refuseTLS() {
	c.loop.server.logTLS(c)
	c.drop()
}

// reply answers with plain text.
func (c *conn) reply(status int, header http.Header, message string, keepAlive bool) {
	resp := c.loop.textResponse(status, message)
	for name, values := range header {
		resp.header[name] = values
	}
	c.respond(resp, keepAlive)
}

// respond writes a response, and ends the connection if the client has asked for that or a shutdown has begun.
func (c *conn) respond(resp *response, keepAlive bool) {
	keepAlive = keepAlive && !c.loop.server.stopping.Load()
	now := time.Now()
	c.loop.out = resp.appendTo(c.loop.out[:0], keepAlive, now)
	c.Write(c.loop.out)
	if c.state != stateHTTP {
		return
	}
	if !keepAlive {
		c.lingeringClose()
		return
	}
	c.http.served, c.http.waitingSince = true, now
}

// httpTimerFired ends a connection on which a request takes too long to arrive, or none arrives. It returns in what time the timer
// is to fire again.
func (c *conn) httpTimerFired(now time.Time) time.Duration {
	x := c.http
	timeout := c.loop.server.requestTimeout
	switch {
	case x.pending:
		return timeout // the worker is slow, not the client
	case x.served && x.reader.idle():
		timeout = c.loop.server.idleTimeout
	}
	if left := timeout - now.Sub(x.waitingSince); left > 0 {
		return left
	}
	if x.reader.idle() {
		c.drop()
		return tick
	}
	c.refuse(http.StatusRequestTimeout, "Request timeout.")
	return tick
}

// callAPI runs the API. A panic there costs the request, not the server. l is nil on a worker.
func (s *Server) callAPI(l *loop, resp *response, r *http.Request) {
	defer func() {
		if cause := recover(); cause != nil {
			s.log.Error("request failed", zap.String("path", r.URL.Path), zap.Any("cause", cause), zap.Stack("stack"))
			resp.text(http.StatusInternalServerError, "Internal server error.")
		}
		resp.stripHeadBody(r)
	}()
	if l == nil {
		s.api.Serve(nil, resp, r)
		return
	}
	s.api.Serve(l.shared, resp, r)
}
