package client

import (
	"errors"

	"reverbd/bench/internal/delivery"
	"reverbd/bench/internal/dialect"
	"reverbd/bench/internal/msgid"
	"reverbd/protocol/pusher"
	"reverbd/protocol/ws"
)

var (
	errNoSocketID = errors.New("connection_established without a socket_id")
	errNoID       = errors.New("a message came without its id")
)

// pong is the frame of a pusher:pong.
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
		if code, reason, err := ws.ParseClose(f.payload); err == nil {
			c.fleet.outcome.ServerErrors.withdraw(saidError(int(code), string(reason))) // told before; the loss is counted
		}
		c.fail(closeError(f.payload))
	}
}

// message handles one message. The messages of the run come first in the switch, because they are by far the most.
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
		c.pongReceived(now)
	case eventEstablished:
		c.subscribe(p)
	case eventSubscribed:
		c.subscribed(p)
	case eventAdded:
		c.fleet.presence.added(c, p, now)
	case eventRemoved:
		c.fleet.presence.removed(c, p, now)
	case eventError, eventRefused:
		c.serverFailed(serverError(p))
	}
}

// count counts a message of the run. It returns false for a stray or a duplicate, and for a message without an id.
func (c *conn) count(p []byte, now int64) bool {
	f := c.fleet
	s, ok := msgid.Find(p)
	if !ok {
		f.outcome.ServerErrors.add(errNoID)
		return false
	}
	verdict := c.receiver.See(s)
	f.outcome.Counts.Add(verdict)
	if verdict == delivery.Duplicate || verdict == delivery.Stray {
		return false
	}
	f.outcome.Latency.Record(now - s.Time)
	if f.last != nil {
		f.last.see(s, now)
	}
	return true
}

// subscribe sends the subscriptions to all of the connection's channels in one write.
func (c *conn) subscribe(established []byte) {
	if c.state != establishing {
		return
	}
	id := socketID(established)
	if id == nil {
		c.fail(errNoSocketID)
		return
	}
	f := c.fleet
	if f.options.Room != nil {
		f.presence.enter(c, id)
		return
	}
	first, channels := f.options.Layout.Of(int(c.index))
	c.receiver = delivery.NewReceiver(f.options.Streams, first, channels)
	c.awaited, c.state = int32(channels), subscribing
	f.out = f.out[:0]
	for i := range channels {
		f.out = f.options.Dialect.AppendSubscribe(f.out, id, first+i)
	}
	var more int
	f.out, more = f.options.Extra.appendSubscribe(f.out, id, int(c.index))
	c.awaited += int32(more)
	c.write(f.out)
}

// subscribed handles a subscription_succeeded.
func (c *conn) subscribed(answer []byte) {
	if c.fleet.options.Room != nil {
		c.fleet.presence.subscribed(c, answer)
	}
	if c.state != subscribing {
		return
	}
	if c.awaited--; c.awaited == 0 {
		c.state = live
		c.fleet.connectedOne()
	}
}

// serverFailed handles an error that the server sent: it is counted, and ends a connection that is not yet live.
func (c *conn) serverFailed(err error) {
	if c.state == live {
		c.fleet.outcome.ServerErrors.add(err)
		return
	}
	c.fail(err)
}
