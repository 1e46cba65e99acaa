package redis

import "strings"

// names are the keys and channels of one installation. What a script or a transaction touches together has the same text in braces, so that
// Redis Cluster keeps it in one place.
type names struct{ prefix string }

func (n names) slotKey(what, app, channel string) string {
	return n.prefix + ":" + what + ":{c:" + app + ":" + channel + "}"
}

// events is the pub/sub channel of a channel of an app.
func (n names) events(app, channel string) string { return n.slotKey("e", app, channel) }

// roster is the hash of a presence channel: user to "nodes:order:channel_data", and "" to the version.
func (n names) roster(app, channel string) string { return n.slotKey("r", app, channel) }

// members is the set of users that a node has on a presence channel.
func (n names) members(app, channel, node string) string {
	return n.slotKey("m", app, channel) + ":" + node
}

// fence is there when a node that was declared dead has been taken off a presence channel.
func (n names) fence(app, channel, node string) string {
	return n.slotKey("x", app, channel) + ":" + node
}

// last is the last event of a cache channel: "n" its order, "e" its message.
func (n names) cached(app, channel string) string { return n.slotKey("l", app, channel) }

// nodes is the hash of nodes to how often each has shown a sign of life.
func (n names) nodes() string { return n.prefix + ":{nodes}" }

// dead is there when a node was declared dead.
func (n names) dead(node string) string { return n.nodes() + ":dead:" + node }

// rooms is the set of presence channels, as "app:channel", on which a node has members.
func (n names) rooms(node string) string { return n.nodes() + ":rooms:" + node }

// lock is held by the node that cleans up after a dead one.
func (n names) lock(node string) string { return n.nodes() + ":lock:" + node }

// control is the pub/sub channel that all nodes hear.
func (n names) control() string { return n.prefix + ":control" }

// answers is the pub/sub channel on which one process hears answers to its questions.
func (n names) replies(origin string) string { return n.prefix + ":answers:" + origin }

// room is a presence channel as rooms has it. An app id has no colon.
func room(app, channel string) string { return app + ":" + channel }

func splitRoom(r string) (app, channel string, ok bool) { return strings.Cut(r, ":") }
