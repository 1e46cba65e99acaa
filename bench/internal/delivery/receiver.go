package delivery

import "reverbd/bench/internal/msgid"

// Receiver accounts for everything that one connection receives.
type Receiver struct {
	first    uint32 // the first stream of its channels, which are consecutive
	streams  []Tracker
	orders   []uint32 // for each sender, the highest Order so far; nil where the streams suffice
	received uint32   // without duplicates
}

// NewReceiver returns the Receiver of a connection that is subscribed to a number of channels from first on.
func NewReceiver(s Streams, first, channels int) Receiver {
	r := Receiver{first: uint32(first * s.PerChannel), streams: make([]Tracker, channels*s.PerChannel)}
	if channels > 1 || s.Senders < s.PerChannel {
		r.orders = make([]uint32, s.Senders)
	}
	return r
}

// See records a message.
func (r *Receiver) See(s msgid.ID) Verdict {
	at := s.Stream - r.first // wraps far beyond the streams when it is below first
	if at >= uint32(len(r.streams)) {
		return Stray
	}
	verdict := r.streams[at].See(s.Seq)
	if verdict == Duplicate {
		return verdict
	}
	r.received++
	if r.orders == nil {
		return verdict
	}
	highest := &r.orders[s.Stream%uint32(len(r.orders))]
	if s.Order < *highest {
		return Late
	}
	*highest = s.Order
	return verdict
}

// Received returns the number of messages received, without duplicates.
func (r *Receiver) Received() int { return int(r.received) }

// Missed returns the number of gaps behind the first message of each stream: the lost messages of a receiver that subscribed in the
// middle of its streams.
func (r *Receiver) Missed() (n int) {
	for i := range r.streams {
		n += r.streams[i].missed()
	}
	return n
}
