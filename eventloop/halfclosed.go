package eventloop

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/panjf2000/gnet/v2"
)

// halfClosedConn takes the place of gnet's connection when the client shuts down writing while a worker answers its request, as
// simple clients do after the only request that they send (nc -N, socat). gnet closes a connection at the end of the input, but
// calls OnClose while the descriptor is still open: a duplicate of the descriptor stays until the response has been sent. Loop-owned,
// except for flush.
type halfClosedConn struct {
	gnet.Conn // closed: must not be used
	remote    net.Addr
	fd        int
	file      *os.File // of fd

	mu      sync.Mutex // guards what follows
	queued  []byte     // not sent yet
	flushes bool       // flush runs
}

// keepHalfClosed is called when gnet is about to close g because of err. It reports whether c stays open.
func (c *conn) keepHalfClosed(g gnet.Conn, err error) bool {
	if c.state != stateHTTP || !c.http.pending || !errors.Is(err, io.EOF) {
		return false
	}
	fd, err := g.Dup()
	if err != nil {
		return false
	}
	h := &halfClosedConn{remote: g.RemoteAddr(), fd: fd, file: os.NewFile(uintptr(fd), "half-closed")}
	if t, ok := c.gnet.(*tlsConn); ok {
		t.Conn = h
	} else {
		c.gnet = h
	}
	c.http.ended = true
	return true
}

// isHalfClosed reports whether gnet has closed its connection, and c sends the rest through a duplicate.
func (c *conn) isHalfClosed() bool {
	g := c.gnet
	if t, ok := g.(*tlsConn); ok {
		g = t.Conn
	}
	_, ok := g.(*halfClosedConn)
	return ok
}

// Fd is for writeNow and shutdown. (os.File.Fd would make the descriptor a blocking one.)
func (h *halfClosedConn) Fd() int { return h.fd }

// RemoteAddr is the address of the client.
func (h *halfClosedConn) RemoteAddr() net.Addr { return h.remote }

// OutboundBuffered is the number of bytes that have not been sent yet.
func (h *halfClosedConn) OutboundBuffered() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.queued)
}

// Write queues p for flush.
func (h *halfClosedConn) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.queued = append(h.queued, p...)
	if !h.flushes {
		h.flushes = true
		go h.flush()
	}
	return len(p), nil
}

// flush sends what is queued, on its own goroutine, while the client takes it.
func (h *halfClosedConn) flush() {
	for {
		h.mu.Lock()
		p := h.queued
		if len(p) == 0 {
			h.flushes = false
			h.mu.Unlock()
			return
		}
		h.mu.Unlock()
		_ = h.file.SetWriteDeadline(time.Now().Add(lingeringTimeout))
		n, err := h.file.Write(p[:min(len(p), recordSize)])
		h.mu.Lock()
		if h.queued = h.queued[n:]; err != nil {
			h.queued = nil // the client is gone or has stopped reading
		}
		h.mu.Unlock()
	}
}

// closeHalfClosed closes c and reports it as closed, as gnet does with OnClose.
func (c *conn) closeHalfClosed(h *halfClosedConn) {
	_ = h.file.Close()
	c.loop.server.connClosed(c)
}
