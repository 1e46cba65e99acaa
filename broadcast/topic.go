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
	synced      bool // this node hears what others publish, and knows their roster; on one of several nodes only
	dirty       bool // the bus has been told to look at it
	roster      *roster
	cached      *cachedEvent
	cacheOffset uint64        // place of the cached event among all of the channel, as the cluster numbers them
	syncOffset  uint64        // place of the last event before this node began to hear the channel
	pending     []*pendingSub // subscriptions that are answered when the channel is heard
}

// vacant reports that nothing keeps t any longer.
func (t *Topic) vacant() bool {
	return t.subscribers == 0 && t.cached == nil && len(t.pending) == 0 && !t.hasRegistered()
}

// wanted reports that somebody here listens, or is about to.
func (t *Topic) wanted() bool { return t.subscribers > 0 || len(t.pending) > 0 }

// indebted reports that the cluster has yet to be told that somebody has left.
func (t *Topic) hasRegistered() bool {
	if t.roster == nil {
		return false
	}
	for _, m := range t.roster.byKey {
		if m.registered != nil || m.unregistering {
			return true
		}
	}
	return false
}

// users is the number of different users on a presence channel.
func (t *Topic) users() int {
	if t.roster == nil {
		return 0
	}
	return len(t.roster.members)
}
