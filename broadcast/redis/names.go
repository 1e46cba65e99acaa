package redis

import (
	"strings"

	"reverbd/protocol/pusher"
)

// names are the keys and channels of one installation. Keys that a script uses together have the same hash tag (the text
// in braces), so that Redis Cluster keeps them in one slot.
type names struct{ prefix string }

func (n names) slotKey(what, app, channel string) string {
	return n.prefix + ":" + what + ":{c:" + app + ":" + channel + "}"
}

// events is the pub/sub channel for a channel of an app.
func (n names) events(app, channel string) string { return n.slotKey("e", app, channel) }

// roster is the hash of a presence channel: user to "nodes:order:channel_data", and "" to the version.
func (n names) roster(app, channel string) string { return n.slotKey("r", app, channel) }

// members is the set of users that a node has on a presence channel.
func (n names) members(app, channel, node string) string {
	return n.slotKey("m", app, channel) + ":" + node
}

// fence exists when a node that was evicted has been removed from a presence channel: its later updates are refused.
func (n names) fence(app, channel, node string) string {
	return n.slotKey("x", app, channel) + ":" + node
}

// cached is the hash of the last event of a cache channel: "n" is its offset, "e" its message.
func (n names) cached(app, channel string) string { return n.slotKey("l", app, channel) }

// claim is the key of a request that must be carried out once: "" or its answer.
func (n names) claim(app, key string) string { return n.slotKey("i", app, key) }

// nodes is the hash of nodes to the number of heartbeats of each.
func (n names) nodes() string { return n.prefix + ":{nodes}" }

// dead exists when a node has been evicted: its later heartbeats are refused.
func (n names) dead(node string) string { return n.nodes() + ":dead:" + node }

// rooms is the set of presence channels, as "app:channel", on which a node has users.
func (n names) rooms(node string) string { return n.nodes() + ":rooms:" + node }

// lock is held by the node that evicts another one.
func (n names) lock(node string) string { return n.nodes() + ":lock:" + node }

// outbox is what all keys of the outbox begin with.
func (n names) outbox() string { return n.prefix + ":{outbox}" }

// present is the hash of channels and members to the sum of what all nodes have of them.
func (n names) present() string { return n.outbox() + ":present" }

// presentOn is the same of one node.
func (n names) presentOn(node string) string { return n.outbox() + ":on:" + node }

// outboxFence exists when a dead node has been taken out of the sums.
func (n names) outboxFence(node string) string { return n.outbox() + ":dead:" + node }

// stream is what has to be told to one receiver, streamBatches the hash of what is being told together, streamLease its owner.
func (n names) stream(name string) string        { return n.outbox() + ":stream:" + name }
func (n names) streamBatches(name string) string { return n.outbox() + ":batches:" + name }
func (n names) streamLease(name string) string   { return n.outbox() + ":lease:" + name }

// control is the pub/sub channel that all nodes are subscribed to.
func (n names) control() string { return n.prefix + ":control" }

// replies is the pub/sub channel on which one process receives replies to its queries.
func (n names) replies(origin string) string { return n.prefix + ":answers:" + origin }

// room is a presence channel as an element of names.rooms. An app id has no colon.
func room(app, channel string) string { return app + ":" + channel }

func splitRoom(r string) (app, channel string, ok bool) { return strings.Cut(r, ":") }

func isCache(channel string) bool { return pusher.KindOf(channel).IsCache() }

func isPresence(channel string) bool { return pusher.KindOf(channel).IsPresence() }
