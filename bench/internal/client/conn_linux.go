package client

import (
	"errors"

	"golang.org/x/sys/unix"

	"reverbd/bench/internal/clock"
	"reverbd/bench/internal/delivery"
	"reverbd/bench/internal/epoll"
)

// state is how far a connection has come.
type state uint8

const (
	closed       state = iota
	connecting         // TCP
	upgrading          // the handshake has been sent
	establishing       // it is a WebSocket; the server has yet to name the connection
	subscribing        // subscriptions have been sent
	live
)

// conn is one client. It belongs to the fleet's loop.
type conn struct {
	fleet    *Fleet
	fd       int32
	index    int32 // in the run
	awaited  int32 // subscriptions without an answer
	state    state
	in       []byte // the beginning of a frame; it keeps its memory while that is little
	out      []byte // what the socket did not take
	receiver delivery.Receiver
	sent     uint32 // whispers
	members  int32  // of the presence channel, as this client has been told
}

// maxKept is how much memory a connection keeps for the beginnings of frames, in bytes.
const maxKept = 4096

var errClosed = errors.New("closed without a close frame")

// connect begins the connection's life.
func (c *conn) connect() {
	f := c.fleet
	c.in = nil // it may have been connected before
	c.receiver = delivery.Receiver{}
	server := f.options.Servers[int(c.index)%len(f.options.Servers)]
	fd, err := epoll.Connect(server, f.options.Sources.Of(int(c.index)))
	if err == nil {
		c.fd, c.state = int32(fd), connecting
		err = f.poller.Add(fd, c)
	}
	if err != nil {
		c.state = connecting
		c.fail(err)
	}
}

// Ready implements epoll.Handler.
func (c *conn) Ready(events uint32) {
	if c.fleet.stalled || c.state == closed {
		return
	}
	if c.state == connecting && !c.connected(events) {
		return
	}
	if len(c.out) > 0 && events&unix.EPOLLOUT != 0 {
		out := c.out
		c.out = nil
		c.write(out)
	}
	if events&(unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		c.receive(events&unix.EPOLLRDHUP != 0)
	}
}

// connected looks whether there is a connection, and begins the handshake if so.
func (c *conn) connected(events uint32) bool {
	if events&(unix.EPOLLOUT|unix.EPOLLERR|unix.EPOLLHUP) == 0 {
		return false
	}
	if err := epoll.Connected(int(c.fd)); err != nil {
		c.fail(err)
		return false
	}
	c.state = upgrading
	c.write(c.fleet.options.Upgrade)
	return c.state == upgrading
}

// receive reads until nothing is left, which edge-triggered polling asks for. A read that leaves room in the buffer has
// taken everything, unless the server has closed: that is seen in a read of its own.
func (c *conn) receive(hangup bool) {
	for c.state != closed {
		buffer := c.buffer()
		have := copy(buffer, c.in)
		n, errno := epoll.Read(int(c.fd), buffer[have:])
		switch {
		case errno == unix.EAGAIN:
			return
		case errno != 0:
			c.fail(errno)
			return
		case n == 0:
			c.fail(errClosed)
			return
		}
		c.keep(c.consume(buffer[:have+n], clock.Now()))
		if have+n < len(buffer) && !hangup {
			return
		}
	}
}

// buffer returns the fleet's, made bigger if what the connection keeps takes more than half of it: a presence channel's
// roster can be very long.
func (c *conn) buffer() []byte {
	f := c.fleet
	for len(f.in) < 2*len(c.in) {
		f.in = make([]byte, 2*len(f.in))
	}
	return f.in
}

// keep remembers the beginning of a frame until the rest comes.
func (c *conn) keep(rest []byte) {
	if len(rest) == 0 && cap(c.in) > maxKept {
		c.in = nil
		return
	}
	c.in = append(c.in[:0], rest...)
}

// consume handles what is complete in p, and returns the rest.
func (c *conn) consume(p []byte, now int64) (rest []byte) {
	if c.state == upgrading {
		n, err := parseUpgrade(p, c.fleet.options.Compressed)
		if err != nil {
			c.fail(err)
		}
		if n == 0 {
			return p
		}
		c.state = establishing
		p = p[n:]
	}
	for c.state != closed {
		frame, n, err := nextFrame(p, c.fleet.options.Compressed)
		if err != nil {
			c.fail(err)
		}
		if n == 0 {
			return p
		}
		if frame.compressed {
			if frame.payload, err = c.fleet.inflater.inflate(frame.payload); err != nil {
				c.fail(err)
				return nil
			}
		}
		c.frame(frame, now)
		p = p[n:]
	}
	return nil
}

// write sends p, or keeps what the socket does not take.
func (c *conn) write(p []byte) {
	if len(c.out) > 0 {
		c.out = append(c.out, p...)
		return
	}
	n, errno := epoll.Write(int(c.fd), p)
	switch {
	case errno == unix.EAGAIN:
		n = 0
	case errno != 0:
		c.fail(errno)
		return
	}
	if n < len(p) {
		c.out = append(c.out, p[n:]...)
	}
}

// fail ends the connection, and has the reason counted.
func (c *conn) fail(why error) {
	was := c.state
	c.close()
	switch was {
	case closed:
	case live:
		c.fleet.lostOne(why)
	default:
		c.fleet.refusedOne(c, why)
	}
}

// close ends the connection without a word.
func (c *conn) close() {
	if c.fd >= 0 {
		c.fleet.poller.Forget(int(c.fd))
		_ = unix.Close(int(c.fd))
	}
	c.fd, c.state, c.in, c.out = -1, closed, nil, nil
}
