package broadcast

import "reverbd/protocol/pusher"

// Topic is what all loops must agree on about one channel of one app. Name and Kind never change, the rest
// is guarded by the stripe that the topic lives in. Loops use its address as the channel's identity: a channel
// that was vacated and occupied again is another Topic.
type Topic struct {
	Name string
	Kind pusher.Kind

	stripe      *stripe
	seq         uint64 // jobs posted so far
	loops       uint64 // bit i: loop i has subscribers
	subscribers int32
	roster      *roster // presence channels only
	cached      *cachedEvent
}

// vacant reports that nothing keeps t any longer.
func (t *Topic) vacant() bool { return t.subscribers == 0 && t.cached == nil }

// users is the number of different users on a presence channel.
func (t *Topic) users() int {
	if t.roster == nil {
		return 0
	}
	return len(t.roster.members)
}
