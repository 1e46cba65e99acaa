package broadcast

import (
	"reverbd/protocol/pusher"
	"reverbd/protocol/ws"
)

// Conn is the write side of a connection. All methods are called on the loop of the connection.
type Conn interface {
	// Write sends p, which is one or more whole frames, and keeps no reference to it. It may close the connection, and so
	// call Loop.Remove, before it returns.
	Write(p []byte)
	// Close closes the connection with a close frame (RFC 6455, section 5.5.1). Like Write it may call Loop.Remove before
	// it returns.
	Close(code ws.StatusCode, reason string)
}

// Subscriber is one established connection in the subscription table. It belongs to one loop; no other goroutine touches
// it.
type Subscriber struct {
	ID pusher.SocketID

	conn      Conn
	loop      *Loop
	directory *Directory
	queue     *queue           // frames for the next write; nil if there are none
	subs      []subscription   // in no particular order
	pending   *pendingSub      // subscriptions that are not answered yet; a linked list
	slots     map[string]int32 // channel name to index in subs, if there are more than indexAbove
	index     int32            // in loop.subscribers
	dirty     bool             // is in loop.dirty
	deflate   bool             // takes compressed frames
	dead      bool
}

// indexAbove is the number of subscriptions above which a connection finds them by a map instead of a linear search. Most
// connections have fewer than ten.
const indexAbove = 24

func (s *Subscriber) indexInSet() *int32 { return &s.index }

// Loop is the loop that s belongs to.
func (s *Subscriber) Loop() *Loop { return s.loop }

// Send appends f to the queue of s. Flush, or the next Drain, writes it.
func (s *Subscriber) Send(f Frame) {
	if !s.dead {
		s.loop.enqueue(s, f)
	}
}

// Deflate says that the client of s takes compressed frames (permessage-deflate without context takeover, RFC 7692). It
// must be called once, after Loop.Add.
func (s *Subscriber) Deflate() {
	if !s.dead {
		s.deflate = true
		s.loop.deflateConns.Add(1)
	}
}

// Flush writes the queue of s.
func (s *Subscriber) Flush() {
	if !s.dead {
		s.loop.Flush(s)
	}
}

// Conn is the connection of s, nil once s has been removed.
func (s *Subscriber) Conn() Conn { return s.conn }

// SendError queues a pusher:error event for s, in the form that its app is configured for.
func (s *Subscriber) SendError(code int, message string) {
	if s.dead {
		return
	}
	b := TextBuffer(len(message))
	if s.directory != nil && s.directory.errorText.Load() {
		s.Send(SealText(pusher.AppendErrorText(b, code, message)))
		return
	}
	s.Send(SealText(pusher.AppendError(b, code, message)))
}

// Close closes the connection with a close frame, after everything in the queue of s. A pusher:error event precedes a code of the
// Pusher protocol (4000 to 4999): clients that do not look at close codes (Pysher, PythonPusherClient) reconnect because of that
// event alone. After s has been removed it does nothing.
func (s *Subscriber) Close(code ws.StatusCode, reason string) {
	if s.dead {
		return
	}
	if code >= 4000 {
		s.SendError(int(code), reason)
	}
	s.conn.Close(code, reason)
}

// Subscribed reports whether s is subscribed to channel.
func (s *Subscriber) Subscribed(channel []byte) bool { return s.find(channel) >= 0 }

// Subscriptions is the number of channels that s is subscribed to, or will be when the reply comes.
func (s *Subscriber) Subscriptions() int {
	n := len(s.subs)
	for p := s.pending; p != nil; p = p.next {
		n++
	}
	if u := s.loop.users[s]; u != nil {
		n -= u.watches
	}
	return n
}

// Member is the user of s on a presence or private channel, as the app has signed it; nil if there is none.
func (s *Subscriber) Member(channel []byte) *Identity {
	if slot := s.find(channel); slot >= 0 {
		return s.subs[slot].member
	}
	return nil
}

// isUser reports whether s has signed in as the user with that key, or is a member of any presence channel as it.
func (s *Subscriber) isUser(key string) bool {
	if u := s.User(); u != nil && u.Key == key {
		return true
	}
	for i := range s.subs {
		if sub := &s.subs[i]; sub.group.topic.roster != nil && sub.member != nil && sub.member.Key == key {
			return true
		}
	}
	return false
}

// find returns the slot of the subscription to channel, or -1.
func (s *Subscriber) find(channel []byte) int32 {
	if s.slots != nil {
		if slot, ok := s.slots[string(channel)]; ok {
			return slot
		}
		return -1
	}
	for i := range s.subs {
		if s.subs[i].group.topic.Name == string(channel) {
			return int32(i)
		}
	}
	return -1
}

// addSub appends sub and returns its slot.
func (s *Subscriber) addSub(sub subscription) int32 {
	slot := int32(len(s.subs))
	if s.subs == nil {
		s.subs = make([]subscription, 0, 1) // most connections stay at one
	}
	s.subs = append(s.subs, sub)
	switch {
	case s.slots != nil:
		s.slots[sub.group.topic.Name] = slot
	case len(s.subs) > indexAbove:
		s.slots = make(map[string]int32, len(s.subs))
		for i := range s.subs {
			s.slots[s.subs[i].group.topic.Name] = int32(i)
		}
	}
	return slot
}

// removeSub removes the subscription in slot; the last one takes its place.
func (s *Subscriber) removeSub(slot int32) {
	last := int32(len(s.subs) - 1)
	if s.slots != nil {
		delete(s.slots, s.subs[slot].group.topic.Name)
	}
	if slot != last {
		moved := s.subs[last]
		s.subs[slot] = moved
		moved.group.entries[moved.index].slot = slot
		if s.slots != nil {
			s.slots[moved.group.topic.Name] = slot
		}
	}
	s.subs[last] = subscription{}
	s.subs = s.subs[:last]
	if last == 0 {
		s.subs, s.slots = nil, nil
	}
}
