package eventloop

import "time"

// What one connection may do in one turn of its loop, and what is left of the bytes that have arrived waits: see loop.hold. Most
// reads bring one message, whose time is not measured.
const (
	turnSlice      = 500 * time.Microsecond
	turnDeliveries = 1024     // on all loops
	turnMessages   = 8        // between two looks at the clock
	turnBytes      = 16 << 10 // of payload, decompressed, between two looks at the clock
	maxHeld        = 1 << 20  // bytes that may wait, should reading not pause
)

// turn is the work that a connection has done in the current turn. It is loop-owned.
type turn struct {
	begin    time.Time // zero until the first look at the clock
	caused   int       // broadcast.Loop.Caused when the turn began
	messages int       // since the last look at the clock
	bytes    int       // of payload, since then

	unlimited bool // reading cannot be paused
}

// beginTurn begins the turn of another connection.
func (l *loop) beginTurn() { l.turn = turn{caused: l.shared.Caused()} }

// handled counts a message or a request.
func (t *turn) handled(payload int) {
	t.messages++
	t.bytes += payload
}

// turnOver reports whether the connection whose turn it is has done enough. The time of a turn begins with the first look at the
// clock, after the first message.
func (l *loop) turnOver() bool {
	t := &l.turn
	if t.unlimited {
		return false
	}
	if l.shared.Caused()-t.caused >= turnDeliveries {
		return true
	}
	if t.messages == 0 || !t.begin.IsZero() && t.messages < turnMessages && t.bytes < turnBytes {
		return false
	}
	t.messages, t.bytes = 0, 0
	now := time.Now()
	if t.begin.IsZero() {
		t.begin = now
	}
	return now.Sub(t.begin) >= turnSlice
}

// hold keeps p, which has arrived on c, for later turns of the loop, and pauses reading. It reports whether it did: where reading
// cannot be paused, everything that has arrived is handled at once.
func (l *loop) hold(c *conn, p []byte) bool {
	if !c.held && !c.pauseReading() {
		return false
	}
	if !c.held {
		c.held = true
		if l.held == nil {
			l.held = make(map[*conn][]byte)
		}
		l.shared.Rest(func() bool { return l.resume(c) })
	}
	l.held[c] = append(l.held[c], p...)
	return true
}

// receiveHeld is receive for a connection whose earlier bytes are held. gnet resumes reading by itself when a socket takes output
// again.
func (c *conn) receiveHeld(p []byte) {
	if len(c.loop.held[c])+len(p) > maxHeld {
		c.cutOffSlowConsumer()
		return
	}
	c.loop.hold(c, p)
	c.pauseReading()
}

// resume goes on with what c has sent. It reports whether there is more.
func (l *loop) resume(c *conn) (more bool) {
	defer func() {
		if l.server.recovered(recover(), "read", c) {
			more = false
		}
	}()
	if c.state == stateClosed {
		return false // closed has let go of it
	}
	p := l.held[c]
	l.beginTurn()
	rest := c.handle(p)
	switch {
	case c.state == stateClosed:
		return false
	case len(rest) > 0:
		l.held[c] = rest
		return true
	}
	l.letGo(c)
	c.resumeReading()
	return false
}

// letGo forgets what is held of c.
func (l *loop) letGo(c *conn) {
	if c.held {
		c.held = false
		delete(l.held, c)
	}
}
