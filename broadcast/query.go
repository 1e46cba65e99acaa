package broadcast

import (
	"maps"
	"slices"
	"strings"

	"reverbd/protocol/pusher"
)

// Channel is what the HTTP API may ask of one channel.
type Channel struct {
	Name        string
	Kind        pusher.Kind
	Subscribers int   // connections, on all nodes
	Users       int   // different users, presence channels only
	Last        Frame // the last event of a cache channel, nil if there is none
}

// Occupied reports whether anyone is subscribed.
func (c Channel) Occupied() bool { return c.Subscribers > 0 }

// Channel describes one channel, as all nodes together see it. One that nobody has subscribed to is not occupied, never an error.
// It may wait for the other nodes, so that it must not be called on a loop of several nodes; so may all queries below.
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

// Channels describes the occupied channels whose name begins with prefix, by name. It is no snapshot of one moment.
func (d *Directory) Channels(prefix string) []Channel {
	known := make(map[string]Channel)
	for _, c := range d.localChannels(prefix) {
		known[c.Name] = c
	}
	d.merge(known, d.queryPeers(Query{List: true, Prefix: prefix}))
	return slices.SortedFunc(maps.Values(known), func(a, b Channel) int { return strings.Compare(a.Name, b.Name) })
}

// Users returns the user_id, as raw JSON, of every user on a presence channel, in the order in which they joined.
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

// Connections is the number of the app's established connections, subscribed or not.
func (d *Directory) Connections() int {
	n := int(d.connections.Load())
	for _, f := range d.queryPeers(Query{Connections: true}) {
		n += f.Connections
	}
	return n
}

// Alone reports that queries do not wait, since there are no other nodes to ask.
func (h *Hub) Standalone() bool { return !h.clustered() }

func (d *Directory) queryPeers(q Query) []QueryResult {
	if d.hub.Standalone() {
		return nil
	}
	q.App = d.App
	return d.hub.bus.Query(q)
}

// merge adds what other nodes know. Connections are summed; users are counted by the cluster, so that all who have the channel know
// of the same ones, and the largest number is that of who has learnt of the latest.
func (d *Directory) merge(known map[string]Channel, answers []QueryResult) {
	for _, f := range answers {
		for _, c := range f.Channels {
			all, ok := known[c.Name]
			if !ok {
				all = Channel{Name: c.Name, Kind: pusher.KindOf(c.Name)}
			}
			if all.Subscribers == 0 {
				all.Users = 0 // whatever is left here of a channel without subscribers is not up to date
			}
			all.Subscribers += c.Subscribers
			all.Users = max(all.Users, c.Users)
			if all.Last == nil {
				all.Last = c.Last
			}
			known[c.Name] = all
		}
	}
}

// Answer is what this node has to say to another one's question.
func (h *Hub) AnswerQuery(q Query) (f QueryResult) {
	d := h.Directory(q.App)
	if d == nil {
		return f
	}
	if q.Connections {
		f.Connections = int(d.connections.Load())
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
	return ChannelInfo{Name: c.Name, Subscribers: c.Subscribers, Users: c.Users, Last: c.Last}
}

func (d *Directory) localChannel(name string) Channel {
	c := Channel{Name: name, Kind: pusher.KindOf(name)}
	d.withTopic(name, func(t *Topic) uint64 {
		c = d.describe(t)
		return 0
	})
	return c
}

func (d *Directory) describe(t *Topic) Channel {
	return Channel{Name: t.Name, Kind: t.Kind, Subscribers: int(t.subscribers), Users: t.users(), Last: d.lastEvent(t)}
}

// channelsHere holds one stripe at a time.
func (d *Directory) localChannels(prefix string) []Channel {
	var channels []Channel
	for i := range d.stripes {
		st := &d.stripes[i]
		st.mu.Lock()
		for name, t := range st.topics {
			if t.subscribers > 0 && strings.HasPrefix(name, prefix) {
				channels = append(channels, d.describe(t))
			}
		}
		st.mu.Unlock()
	}
	return channels
}

// usersHere returns who is on a presence channel, and whether this node knows all of them.
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
