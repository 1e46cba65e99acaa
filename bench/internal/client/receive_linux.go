package client

import (
	"errors"

	"reverbd/bench/internal/dialect"
	"reverbd/bench/internal/stamp"
	"reverbd/bench/internal/tally"
	"reverbd/protocol/pusher"
	"reverbd/protocol/ws"
)

var (
	errNoSocketID = errors.New("connection_established without a socket_id")
	errNoStamp    = errors.New("a message came without its stamp")
)

// pong answers a pusher:ping.
var pong = dialect.AppendFrame(nil, ws.OpText, pusher.AppendPong(nil))

// frame handles one frame that was read at now.
func (c *conn) frame(f frame, now int64) {
	switch f.op {
	case ws.OpText, ws.OpBinary:
		c.message(f.payload, now)
	case ws.OpPing:
		c.fleet.out = dialect.AppendFrame(c.fleet.out[:0], ws.OpPong, f.payload)
		c.write(c.fleet.out)
	case ws.OpClose:
		c.fail(farewell(f.payload))
	}
}

// message handles one message. Those of the run are the many, so they are asked for first.
func (c *conn) message(p []byte, now int64) {
	switch string(eventName(p)) {
	case dialect.Published:
		c.count(p, now)
	case dialect.Whispered:
		if c.count(p, now) {
			c.answer()
		}
	case eventPing:
		c.write(pong)
	case eventPong:
		c.ponged(now)
	case eventEstablished:
		c.subscribe(p)
	case eventSubscribed:
		c.subscribed(p)
	case eventAdded:
		c.fleet.room.added(c, p, now)
	case eventRemoved:
		c.fleet.room.removed(c, p, now)
	case eventError, eventRefused:
		c.complain(complaint(p))
	}
}

// count enters a message in the tally. It returns false for a message that should not have come, or not again.
func (c *conn) count(p []byte, now int64) bool {
	f := c.fleet
	s, ok := stamp.Find(p)
	if !ok {
		f.complaints.add(errNoStamp)
		return false
	}
	verdict := c.receiver.See(s)
	f.counts.Add(verdict)
	if verdict == tally.Duplicate || verdict == tally.Stray {
		return false
	}
	f.latency.Record(now - s.Time)
	return true
}

// subscribe asks for all of the connection's channels with one write.
func (c *conn) subscribe(established []byte) {
	if c.state != greeting {
		return
	}
	id := socketID(established)
	if id == nil {
		c.fail(errNoSocketID)
		return
	}
	f := c.fleet
	if f.options.Room != nil {
		f.room.enter(c, id)
		return
	}
	first, channels := f.options.Layout.Of(int(c.index))
	c.receiver = tally.NewReceiver(f.options.Streams, first, channels)
	c.awaited, c.state = int32(channels), subscribing
	f.out = f.out[:0]
	for i := range channels {
		f.out = f.options.Dialect.AppendSubscribe(f.out, id, first+i)
	}
	c.write(f.out)
}

// subscribed is told that the server has taken one subscription.
func (c *conn) subscribed(answer []byte) {
	if c.fleet.options.Room != nil {
		c.fleet.room.subscribed(c, answer)
	}
	if c.state != subscribing {
		return
	}
	if c.awaited--; c.awaited == 0 {
		c.state = live
		c.fleet.connectedOne()
	}
}

// complain takes note of an error that the server sent. Before the connection is live it is the end.
func (c *conn) complain(err error) {
	if c.state == live {
		c.fleet.complaints.add(err)
		return
	}
	c.fail(err)
}
