package broadcast

import (
	"time"

	"reverbd/protocol/pusher"
)

// Bus connects this node with the other nodes. A Hub without a Bus is a single node.
//
// A node delivers an event to its own subscribers at once; the bus sends it to the other nodes, in the order of the calls
// to Publish. The hub does not tell the bus each subscribe and unsubscribe: MarkDirty says that the state of a channel has
// changed, and the bus reads the state that is wanted now with Directory.TakeUpdate, so that no order of calls can leave
// it with a wrong state. What the bus learns from the cluster it passes to Directory.Synced, Applied, Rejected,
// RosterChanged, ConfirmCached and Deliver, and to Hub.BusConnected and BusDisconnected.
//
// All methods are safe for concurrent use, and none but Query blocks.
type Bus interface {
	// Reserve reserves room for count events of together n bytes in the send queue. ErrOverloaded means that the queue is
	// full: none of the events may be delivered on any node.
	Reserve(count, n int) error
	// Release returns room that was reserved for events that are not published.
	Release(count, n int)
	// Publish sends an event to the other nodes. One event of len(e.Frame) bytes must be reserved for it.
	Publish(e Event)
	// Command has the other nodes carry out c. ErrOverloaded means that none does.
	Command(c Command) error
	// MarkDirty notes that the state of a channel has changed: see Directory.TakeUpdate. It is called with a stripe
	// locked.
	MarkDirty(d *Directory, channel string)
	// Query sends q to all other nodes and returns the results that arrive within a second.
	Query(q Query) []QueryResult
}

// Event is one published event for the other nodes. Frame is shared and must not be changed.
type Event struct {
	App, Channel string
	Frame        Frame
	Except       pusher.SocketID // the connection that does not get the event; 0: none
}

// Update is the difference between the state of a channel on this node and the state that the cluster knows.
type Update struct {
	Wanted bool        // the channel has subscribers on this node, or pending ones
	Synced bool        // the node is in sync: it receives what other nodes publish, and has their roster
	Joins  []*Identity // users that this node has and the cluster does not know of, or whose channel_data has changed
	Leaves []string    // keys of users who have no connection to this node any longer
}

// Member is one user in the cluster's roster of a presence channel. Rosters are in the order of joining.
type Member struct {
	Key   string
	Data  []byte // channel_data as the app signed it
	Nodes int    // number of nodes that the user has connections to
}

// Change is one change of a roster: the user joins or leaves a node, or has new channel_data. Nodes is the number of nodes
// of the user after the change: 0 means that the user has left the channel. Data is set when the user is new in the
// roster, or has new channel_data.
type Change = Member

// Query is what one node asks the others about an app.
type Query struct {
	App         string
	Connections bool     // count the connections
	List        bool     // describe all occupied channels that begin with Prefix
	Prefix      string   //
	Names       []string // describe these channels
	Users       bool     // with their users
	User        string   `json:",omitempty"` // describe the connections of this user
}

// QueryResult is the reply of one node.
type QueryResult struct {
	Connections int
	Channels    []ChannelInfo
	User        UserInfo
}

// ChannelInfo is what one node knows of a channel that it has subscribers of.
type ChannelInfo struct {
	Name        string
	Subscribers int
	Users       int           // users in the cluster's roster
	IDs         [][]byte      // user_id of each of them as raw JSON, if Query.Users is set
	Last        Frame         // the last event of a cache channel
	LastTTL     time.Duration `json:",omitempty"` // how long it is kept from now on
}
