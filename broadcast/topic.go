package broadcast

import "reverbd/protocol/pusher"

// Topic is the state of one channel of one app that all loops share. Name and Kind never change; the rest is guarded by
// the stripe that the topic lives in. Loops use the address of the Topic as the identity of the channel: a channel that
// was vacated and occupied again is another Topic.
type Topic struct {
	Name string
	Kind pusher.Kind

	stripe      *stripe
	tally       *Tally // of the app
	seq         uint64 // sequence number of the last job posted
	loops       uint64 // bit i: loop i has subscribers
	subscribers int32
	synced      bool // this node receives what others publish, and has their roster; used only with a bus
	dirty       bool // is in the bus's dirty set
	occupied    bool // somebody has subscribed since it was last vacated
	roster      *roster
	cached      *cachedEvent
	cacheOffset uint64        // position of the cached event among all events of the channel, as the cluster numbers them
	syncOffset  uint64        // offset of the snapshot with which this node became synced
	pending     []*pendingSub // subscriptions that are answered when the channel is synced
}

// vacant reports that nothing keeps t any longer.
func (t *Topic) vacant() bool {
	return t.subscribers == 0 && t.cached == nil && len(t.pending) == 0 && !t.hasRegistered()
}

// wanted reports that t has subscribers, or pending ones.
func (t *Topic) wanted() bool { return t.subscribers > 0 || len(t.pending) > 0 }

// hasRegistered reports whether the cluster has users of this node registered on t, or is being told that they leave.
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

// users is the number of distinct users on a presence channel.
func (t *Topic) users() int {
	if t.roster == nil {
		return 0
	}
	return len(t.roster.members)
}
