package redis

import (
	"time"

	goredis "github.com/redis/go-redis/v9"
	"go.uber.org/zap"

	"reverbd/broadcast"
	"reverbd/protocol/pusher"
)

// receive handles one message. Whatever the message is, the node goes on.
func (c *pubsubConn) receive(m *goredis.Message) {
	s := c.session
	var err error
	switch k := kindOf(m.Payload); k {
	case kindEvent, kindCached:
		err = c.handleEvent(m, k == kindCached)
	case kindChanges:
		err = s.handleRosterChanges(m)
	case kindTerminate, kindCommand:
		err = c.handleCommand(k, m)
	case kindQuery, kindReply, kindHello, kindGoodbye:
		err = s.handleControl(k, m)
	default:
		err = errMessage
	}
	if err != nil {
		s.bus.countForeign(m.Channel)
	}
}

// open parses an envelope. fresh is false for a message of this process, and for one that has arrived before.
func (c *pubsubConn) open(payload string, ordered bool) (e envelope, fresh bool, err error) {
	if e, err = parseEnvelope(payload, ordered); err != nil || e.origin == c.session.bus.origin {
		return e, false, err
	}
	w := c.seen[e.origin]
	if w == nil {
		w = &window{}
		c.seen[e.origin] = w
	}
	w.used = time.Now()
	return e, w.accept(e.number), nil
}

func (c *pubsubConn) handleEvent(m *goredis.Message, ordered bool) error {
	e, fresh, err := c.open(m.Payload, ordered)
	if err != nil || !fresh {
		return err
	}
	ref, last, ok := c.session.subscriptions.lookup(m.Channel)
	if !ok || ordered && last.covers(e) {
		return nil // the node has no subscribers any longer, or the snapshot that they got includes the event
	}
	c.session.deliver(ref, frameOf(e.payload), e.except, e.offset)
	return nil
}

// deliver brings an event to the subscribers on this node. It never waits: a loop that is behind loses its own copies.
func (s *session) deliver(ref channelRef, f broadcast.Frame, except pusher.SocketID, offset uint64) {
	if ref.directory.Deliver([]byte(ref.channel), f, except, offset) == nil {
		return
	}
	total := s.bus.stats.dropped.Add(1)
	if s.bus.droppedLog.allow() {
		s.bus.log.Warn("an event of another node is lost for clients of this one: their loop is overloaded",
			zap.String("channel", ref.channel), zap.Int64("lost so far", total))
	}
}

func (s *session) handleRosterChanges(m *goredis.Message) error {
	c, err := parseChanges(m.Payload)
	if err != nil {
		return err
	}
	if ref, _, ok := s.subscriptions.lookup(m.Channel); ok {
		ref.directory.RosterChanged(ref.channel, c.before, c.version, c.list)
	}
	return nil
}

// frameOf makes a text frame of a payload.
func frameOf(payload []byte) broadcast.Frame {
	return broadcast.SealText(append(broadcast.TextBuffer(len(payload)), payload...))
}

// seenFrom is what each process has sent through a server. It outlives a session, since what is sent again may come in the next one.
func (b *Bus) seenFrom(server string) map[uint64]*window {
	if b.seen == nil {
		b.seen = make(map[string]map[uint64]*window)
	}
	m := b.seen[server]
	if m == nil {
		m = make(map[uint64]*window)
		b.seen[server] = m
	}
	for origin, w := range m {
		if time.Since(w.used) > time.Hour {
			delete(m, origin)
		}
	}
	return m
}
