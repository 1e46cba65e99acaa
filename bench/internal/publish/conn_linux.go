package publish

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"reverbd/bench/internal/clock"
	"reverbd/bench/internal/dialect"
	"reverbd/bench/internal/epoll"
	"reverbd/bench/internal/msgid"
)

// conn is one publisher: a connection with at most one request that is not answered. Servers that close the connection
// after each answer get a new one for each request.
type conn struct {
	publisher  *Publisher
	number     int
	fd         int
	connecting bool
	waiting    bool   // for an answer
	due        int64  // when the request that is waited for was
	begun      int    // requests
	events     int    // ever begun: every one is the next of its sender
	seqs       seqs   // of its streams
	request    []byte // the request that is waited for
	unsent     []byte // what the socket has not taken of it
	in         []byte // what has come of the answer
	batch      []dialect.Event
}

var errNoAnswer = errors.New("the server closed the connection without an answer")

// seqs is the last number of each stream.
type seqs map[uint32]uint32

func (c *conn) free() bool { return !c.waiting }

// send begins the next request, which was due at that time.
func (c *conn) send(due int64) {
	p := c.publisher
	c.begun++
	c.waiting, c.due = true, due
	p.busy++
	c.fill()
	c.request = p.options.Dialect.AppendPublish(c.request[:0], c.batch)
	c.unsent = c.request
	if c.fd < 0 {
		c.connect()
		return
	}
	c.flush()
}

// fill puts the next events into the batch.
func (c *conn) fill() {
	p := c.publisher
	size := p.options.Batch
	if rest := p.options.Events - (p.begun-1)*size; p.options.Events > 0 && rest < size {
		size = rest
	}
	if c.seqs == nil {
		c.seqs = seqs{}
	}
	c.batch = c.batch[:0]
	for range size {
		channel, stream := p.options.Streams.Turn(c.number, c.events, p.options.Channels)
		c.events++
		c.seqs[stream]++
		c.batch = append(c.batch, dialect.Event{Channel: channel, ID: msgid.ID{
			Stream: stream, Seq: c.seqs[stream], Order: uint32(c.events), Time: c.due,
		}})
	}
}

func (c *conn) connect() {
	p := c.publisher
	fd, err := epoll.Connect(p.options.Server, netip.Addr{})
	if err == nil {
		c.fd, c.connecting = fd, true
		err = p.poller.Add(fd, c)
	}
	if err != nil {
		c.broken(err)
	}
}

// Ready implements epoll.Handler.
func (c *conn) Ready(events uint32) {
	if c.connecting {
		if events&(unix.EPOLLOUT|unix.EPOLLERR|unix.EPOLLHUP) == 0 {
			return
		}
		if err := epoll.Connected(c.fd); err != nil {
			c.broken(err)
			return
		}
		c.connecting = false
	}
	if len(c.unsent) > 0 && events&unix.EPOLLOUT != 0 {
		c.flush()
	}
	if c.fd >= 0 && events&(unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		c.receive()
	}
}

// flush writes what is left of the request.
func (c *conn) flush() {
	n, errno := epoll.Write(c.fd, c.unsent)
	switch {
	case errno == unix.EAGAIN:
	case errno != 0:
		c.broken(errno)
	default:
		c.unsent = c.unsent[n:]
	}
}

// receive reads until nothing is left.
func (c *conn) receive() {
	p := c.publisher
	for c.fd >= 0 {
		n, errno := epoll.Read(c.fd, p.buffer)
		switch {
		case errno == unix.EAGAIN:
			return
		case errno != 0:
			c.broken(errno)
		case n == 0:
			c.ended()
		default:
			c.take(p.buffer[:n])
		}
	}
}

// take handles a piece of the answer.
func (c *conn) take(piece []byte) {
	p := piece
	if len(c.in) > 0 {
		c.in = append(c.in, piece...)
		p = c.in
	}
	r, n, err := parseReply(p, false)
	switch {
	case err != nil:
		c.broken(err)
	case n == 0 && len(c.in) == 0:
		c.in = append(c.in, piece...)
	case n > 0:
		c.answered(r)
	}
}

// ended is told that the server has closed the connection. That may be the end of an answer.
func (c *conn) ended() {
	if r, n, err := parseReply(c.in, true); err == nil && n > 0 && c.waiting {
		c.answered(r)
		return
	}
	if c.waiting {
		c.broken(errNoAnswer)
		return
	}
	c.close() // between two requests: the next one opens another
}

// answered takes note of the answer, and goes on with the next request.
func (c *conn) answered(r reply) {
	p := c.publisher
	c.in = c.in[:0]
	if r.last {
		c.close()
	}
	if !c.waiting {
		return // an answer to nothing
	}
	if r.status != 200 {
		c.abandon(fmt.Sprintf("HTTP %d %.80s", r.status, r.body))
	} else {
		c.accepted()
	}
	p.next()
}

// accepted counts the batch.
func (c *conn) accepted() {
	p := c.publisher
	p.outcome.Latency.Record(clock.Now() - c.due)
	for _, e := range c.batch {
		p.outcome.Accepted[e.ID.Stream]++
	}
	p.accepted.Add(int64(len(c.batch)))
	p.failures = 0
	c.waiting = false
	p.busy--
}

// broken ends the connection, and with it the request. Nobody knows whether the server has carried that out.
func (c *conn) broken(err error) {
	c.close()
	c.abandon(err.Error())
	// Not next, which may be what is running.
	c.publisher.poller.Do(c.publisher.next)
}

// abandon counts the batch as failed, if there is one that has no answer.
func (c *conn) abandon(why string) {
	if !c.waiting {
		return
	}
	p := c.publisher
	p.outcome.Failed += len(c.batch)
	p.outcome.Reasons[why]++
	p.failures++
	c.waiting = false
	p.busy--
}

func (c *conn) close() {
	if c.fd >= 0 {
		c.publisher.poller.Forget(c.fd)
		_ = unix.Close(c.fd)
	}
	c.fd, c.connecting, c.in, c.unsent = -1, false, c.in[:0], nil
}
