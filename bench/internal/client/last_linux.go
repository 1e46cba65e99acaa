package client

import (
	"reverbd/bench/internal/latency"
	"reverbd/bench/internal/msgid"
)

// untilLast measures how long messages take to the last of their subscribers.
type untilLast struct {
	options Options
	missing map[uint64]int // subscribers that have not received a message yet, of messages that some have
	latency *latency.Histogram
}

func newUntilLast(o Options) *untilLast {
	return &untilLast{options: o, missing: map[uint64]int{}, latency: latency.New()}
}

// see records that one more subscriber has received the message.
func (u *untilLast) see(s msgid.ID, now int64) {
	key := uint64(s.Stream)<<32 | uint64(s.Seq)
	left, seen := u.missing[key]
	if !seen {
		left = u.options.Layout.Subscribers(u.options.Streams.Channel(s.Stream), u.options.Connections)
	}
	if left--; left > 0 {
		u.missing[key] = left
		return
	}
	delete(u.missing, key)
	u.latency.Record(now - s.Time)
}

// UntilLast returns the distribution of the times from when a message was due until its last subscriber received it, nil without
// Options.UntilLast.
func (f *Fleet) UntilLast() (h *latency.Histogram) {
	f.poller.Call(func() {
		if f.last != nil {
			h = latency.New()
			h.Merge(f.last.latency)
		}
	})
	return h
}
