package redis

import (
	"time"

	"reverbd/broadcast"
)

// interest is one channel that this node is subscribed to in Redis, or is about to be.
type interest struct {
	channelRef
	name          string // of the channel of Redis
	subscribed    bool   // the last command was SUBSCRIBE, not UNSUBSCRIBE
	commands      int    // SUBSCRIBE and UNSUBSCRIBE commands sent
	confirmed     int    // of these, confirmed by Redis
	queued        bool   // is in a list of subscriptions
	registered    bool   // is in the set of presence channels of the node: see names.rooms
	eval          bool   // Redis has not the scripts: send their text
	unwantedSince time.Time
	snapshotEvent eventID
}

// eventID identifies an event that may be sent twice.
type eventID struct{ origin, number uint64 }

// covers reports that e is the event id of a snapshot, or an earlier one of the same process. A process that does not know
// whether an event was published publishes it again, with the same number and another offset.
func (id eventID) covers(e envelope) bool { return e.origin == id.origin && e.number <= id.number }

// active reports that Redis sends what is published on the channel.
func (i *interest) active() bool { return i.subscribed && i.confirmed == i.commands }

// channelRef names a channel of an app.
type channelRef struct {
	directory *broadcast.Directory
	channel   string
}
