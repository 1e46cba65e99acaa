package broadcast

import "reverbd/protocol/pusher"

// Bus connects this node with the others. A Hub without one is a node of its own.
//
// Both methods are called after the local delivery, from any goroutine, and must not block: what cannot be
// sent at once waits in the bus, within a bound, and past that bound the call returns an error.
type Bus interface {
	// Publish mirrors an event of this node. The frame and the identifiers are shared and must not be changed.
	Publish(app, channel string, f Frame, except pusher.SocketID) error
	// Terminate asks the other nodes to end the connections of a user.
	Terminate(app, user string) error
}
