package broadcast

import "reverbd/protocol/pusher"

// Bus connects this node with the others. A Hub without one is a node of its own.
//
// A node delivers to its own subscribers at once; the bus brings the event to the others, in the order in which Publish is called.
// What the node wants to hear is not told channel by channel: Watch says that something about a channel has changed, and the bus
// looks at Directory.Work for what is wanted now, so that no order of calls can leave it with a wrong idea. What it learns it
// brings back through Heard, Synced, Changed and Deliver.
//
// All methods are safe for concurrent use and do not block, but for Ask.
type Bus interface {
	// Reserve makes room for an event of n bytes. ErrOverloaded means that too much waits already: nothing may be delivered.
	Reserve(n int) error
	// Release gives back what was reserved and is not published after all.
	Release(n int)
	// Publish mirrors an event for which len(Frame) bytes are reserved.
	Publish(e Event)
	// Terminate asks the other nodes to end the connections of a user.
	Terminate(app, user string) error
	// Watch takes note that Work of a channel has changed. A stripe is held.
	MarkDirty(d *Directory, channel string)
	// Ask puts a question to all other nodes and returns what they answered within a second.
	Query(q Query) []QueryResult
}

// Event is one published event on its way to the other nodes. Frame is shared and must not be changed.
type Event struct {
	App, Channel string
	Frame        Frame
	Except       pusher.SocketID // the connection that is left out; 0: none
}

// Work is what this node wants of a channel.
type Update struct {
	Wanted bool        // somebody here listens to it
	Synced bool        // and hears it, as far as the Directory knows
	Joins  []*Identity // users who have come to a presence channel by connections of this node, or say something new of themselves
	Leaves []string    // keys of users who have no connection here any longer
}

// Member is one user of the cluster's roster, in the order in which they joined.
type Member struct {
	Key   string
	Data  []byte // channel_data as the app signed it
	Nodes int    // that he has connections to
}

// Change is one user coming to a node or leaving it. Nodes is how many he is on then: 0 means that he is gone. Data is there
// when he has come, or when he says something new of himself.
type Change = Member

// Question is what one node asks the others about an app.
type Query struct {
	App         string
	Connections bool     // how many connections there are
	List        bool     // all occupied channels that begin with Prefix
	Prefix      string   //
	Names       []string // these channels
	Users       bool     // and who is on them
}

// Facts is what one node answers.
type QueryResult struct {
	Connections int
	Channels    []ChannelInfo
}

// ChannelFacts is what one node knows of a channel that it has subscribers of.
type ChannelInfo struct {
	Name        string
	Subscribers int
	Users       int      // of the whole cluster
	IDs         [][]byte // user_id of each of them as raw JSON, if asked for
	Last        Frame    // the last event of a cache channel
}
