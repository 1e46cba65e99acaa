package client

import (
	"errors"

	"golang.org/x/sys/unix"

	"reverbd/bench/internal/clock"
	"reverbd/bench/internal/delivery"
	"reverbd/bench/internal/epoll"
)

// state is a stage in the life of a connection, in order.
type state uint8

const (
	closed       state = iota
	connecting         // the TCP handshake runs
	upgrading          // the handshake has been sent
	establishing       // waiting for connection_established
	subscribing        // subscriptions have been sent
	live
)

// conn is one client. It belongs to the fleet's loop.
type conn struct {
	fleet    *Fleet
	fd       int32
	index    int32 // number in the run
	awaited  int32 // subscriptions without an answer
	state    state
	in       []byte // the beginning of an incomplete frame; its memory is kept up to maxKept
	out      []byte // bytes that the socket did not take
	receiver delivery.Receiver
	sent     uint32 // whispers sent
	members  int32  // number of members of the presence channel, by the events that this client received
}

// maxKept is how much memory a connection keeps for incomplete frames, in bytes.
const maxKept = 4096

var errClosed = errors.New("closed without a close frame")

// connect begins to connect.
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

// connected sends the handshake if the TCP connection is established.
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

// receive reads until the socket is empty, as edge-triggered polling requires. A read that does not fill the buffer has emptied the
// socket, except after a hang-up: the end of the stream needs another read.
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

// buffer returns the fleet's read buffer, at least twice as long as what the connection has kept: the roster of a presence channel
// can be very long.
func (c *conn) buffer() []byte {
	f := c.fleet
	for len(f.in) < 2*len(c.in) {
		f.in = make([]byte, 2*len(f.in))
	}
	return f.in
}

// keep stores an incomplete frame.
func (c *conn) keep(rest []byte) {
	if len(rest) == 0 && cap(c.in) > maxKept {
		c.in = nil
		return
	}
	c.in = append(c.in[:0], rest...)
}

// consume handles the complete frames in p, and returns the incomplete rest.
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

// write sends p, and keeps what the socket does not take.
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

// fail closes the connection and counts the reason.
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

// close closes the socket without a close frame.
func (c *conn) close() {
	if c.fd >= 0 {
		c.fleet.poller.Forget(int(c.fd))
		_ = unix.Close(int(c.fd))
	}
	c.fd, c.state, c.in, c.out = -1, closed, nil, nil
}
