package broadcast

import (
	"maps"
	"slices"
	"strings"
	"time"

	"reverbd/protocol/pusher"
)

// Channel is the state of one channel for the HTTP API.
type Channel struct {
	Name        string
	Kind        pusher.Kind
	Subscribers int           // subscribed connections, on all nodes
	Users       int           // distinct users of a presence channel
	Last        Frame         // the last event of a cache channel, nil if there is none
	LastTTL     time.Duration // how long that event is kept from now on
}

// Occupied reports whether the channel has subscribers.
func (c Channel) Occupied() bool { return c.Subscribers > 0 }

// Channel describes one channel as all nodes together see it. A channel without subscribers is not occupied; that is no
// error. With a bus it waits for the other nodes, so it must not be called on a loop. The same holds for all queries
// below.
func (d *Directory) Channel(name []byte) Channel { return d.Describe(string(name))[0] }

// Describe is Channel for several channels.
func (d *Directory) Describe(names ...string) []Channel {
	known := make(map[string]Channel, len(names))
	for _, name := range names {
		known[name] = d.localChannel(name)
	}
	d.merge(known, d.queryPeers(Query{Names: names}))
	channels := make([]Channel, len(names))
	for i, name := range names {
		channels[i] = known[name]
	}
	return channels
}

// Channels describes the occupied channels whose name begins with prefix, sorted by name. It is no snapshot of one moment.
func (d *Directory) Channels(prefix string) []Channel {
	known := make(map[string]Channel)
	for _, c := range d.localChannels(prefix) {
		known[c.Name] = c
	}
	d.merge(known, d.queryPeers(Query{List: true, Prefix: prefix}))
	return slices.SortedFunc(maps.Values(known), func(a, b Channel) int { return strings.Compare(a.Name, b.Name) })
}

// Users returns the user_id, as raw JSON, of every user on a presence channel, in the order of joining.
func (d *Directory) Users(name []byte) [][]byte {
	ids, complete := d.localUsers(string(name))
	if complete {
		return ids
	}
	for _, f := range d.queryPeers(Query{Names: []string{string(name)}, Users: true}) {
		for _, c := range f.Channels {
			if c.Name == string(name) && len(c.IDs) > len(ids) {
				ids = c.IDs
			}
		}
	}
	return ids
}

// Connections is the number of established connections of the app on all nodes, with or without subscriptions.
func (d *Directory) Connections() int {
	n := int(d.connections.Load())
	for _, f := range d.queryPeers(Query{Connections: true}) {
		n += f.Connections
	}
	return n
}

// Standalone reports that there are no other nodes to query, so that queries do not wait.
func (h *Hub) Standalone() bool { return !h.clustered() }

func (d *Directory) queryPeers(q Query) []QueryResult {
	if d.hub.Standalone() {
		return nil
	}
	q.App = d.App
	return d.hub.bus.Query(q)
}

// merge adds the results of other nodes. Connections are summed. Users are counted by the cluster: nodes that have the
// channel differ only by changes that have not arrived everywhere, and the largest number is the most recent one for a
// channel that grows.
func (d *Directory) merge(known map[string]Channel, answers []QueryResult) {
	for _, f := range answers {
		for _, c := range f.Channels {
			all, ok := known[c.Name]
			if !ok {
				all = Channel{Name: c.Name, Kind: pusher.KindOf(c.Name)}
			}
			if all.Subscribers == 0 {
				all.Users = 0 // this node has no subscribers: its roster is not up to date
			}
			all.Subscribers += c.Subscribers
			all.Users = max(all.Users, c.Users)
			if all.Last == nil {
				all.Last, all.LastTTL = c.Last, c.LastTTL
			}
			known[c.Name] = all
		}
	}
}

// AnswerQuery returns what this node knows, for the query of another node.
func (h *Hub) AnswerQuery(q Query) (f QueryResult) {
	d := h.Directory(q.App)
	if d == nil {
		return f
	}
	if q.Connections {
		f.Connections = int(d.connections.Load())
	}
	if q.User != "" {
		f.User = d.localUser(q.User)
	}
	if q.List {
		for _, c := range d.localChannels(q.Prefix) {
			f.Channels = append(f.Channels, channelInfo(c))
		}
	}
	for _, name := range q.Names {
		if c := d.localChannel(name); c.Occupied() {
			info := channelInfo(c)
			if q.Users {
				info.IDs, _ = d.localUsers(name)
			}
			f.Channels = append(f.Channels, info)
		}
	}
	return f
}

func channelInfo(c Channel) ChannelInfo {
	return ChannelInfo{Name: c.Name, Subscribers: c.Subscribers, Users: c.Users, Last: c.Last, LastTTL: c.LastTTL}
}

func (d *Directory) localChannel(name string) Channel {
	c := Channel{Name: name, Kind: pusher.KindOf(name)}
	if c.Kind.IsOnline() {
		return c // it is nobody's business
	}
	d.withTopic(name, func(t *Topic) uint64 {
		c = d.describe(t)
		return 0
	})
	return c
}

func (d *Directory) describe(t *Topic) Channel {
	c := Channel{Name: t.Name, Kind: t.Kind, Subscribers: int(t.subscribers), Users: t.users(), Last: d.lastEvent(t)}
	if c.Last != nil {
		c.LastTTL = t.cached.expires.Sub(d.hub.now())
	}
	return c
}

// localChannels locks one stripe at a time.
func (d *Directory) localChannels(prefix string) []Channel {
	var channels []Channel
	d.eachStripe(func(st *stripe) {
		for name, t := range st.topics {
			if t.subscribers > 0 && !t.Kind.IsOnline() && strings.HasPrefix(name, prefix) {
				channels = append(channels, d.describe(t))
			}
		}
	})
	return channels
}

// localUsers returns the users on a presence channel, and whether this node knows all of them.
func (d *Directory) localUsers(name string) (ids [][]byte, complete bool) {
	complete = d.hub.Standalone()
	d.withTopic(name, func(t *Topic) uint64 {
		if t.roster != nil && t.subscribers > 0 {
			ids, complete = t.roster.ids(), complete || t.synced
		}
		return 0
	})
	return ids, complete
}
