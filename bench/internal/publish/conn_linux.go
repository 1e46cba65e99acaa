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

// conn is one publisher: a connection with at most one unanswered request. For a server that closes the connection after each
// answer, it connects again for each request.
type conn struct {
	publisher  *Publisher
	number     int
	fd         int
	connecting bool
	waiting    bool   // for an answer
	due        int64  // when the current request was due
	begun      int    // requests
	events     int    // events begun so far
	seqs       seqs   // of the publisher's streams
	request    []byte // the current request
	unsent     []byte // the rest of the request, which the socket did not take
	in         []byte // an incomplete answer
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

// fill sets the batch to the next events.
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

// flush writes the rest of the request.
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

// receive reads until the socket is empty.
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

// take handles bytes of the answer.
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

// ended handles the end of the stream, which may end an answer.
func (c *conn) ended() {
	if r, n, err := parseReply(c.in, true); err == nil && n > 0 && c.waiting {
		c.answered(r)
		return
	}
	if c.waiting {
		c.broken(errNoAnswer)
		return
	}
	c.close() // between two requests: the next one connects again
}

// answered records the answer, and begins the next request.
func (c *conn) answered(r reply) {
	p := c.publisher
	c.in = c.in[:0]
	if r.last || p.options.NewConnections {
		c.close()
	}
	if !c.waiting {
		return // an unexpected answer
	}
	if r.status != 200 {
		c.abandon(fmt.Sprintf("HTTP %d %.80s", r.status, r.body))
	} else {
		c.accepted()
	}
	p.next()
}

// accepted counts the events of the batch as accepted.
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

// broken closes the connection and counts its request as failed. Whether the server has carried it out is unknown.
func (c *conn) broken(err error) {
	c.close()
	c.abandon(err.Error())
	// next may be running already: let it run again later.
	c.publisher.poller.Do(c.publisher.next)
}

// abandon counts the unanswered batch as failed, if there is one.
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
