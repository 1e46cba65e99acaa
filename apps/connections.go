package apps

import (
	"slices"
	"strings"
	"sync"
	"time"

	"reverbd/broadcast"
	"reverbd/protocol/pusher"
	"reverbd/protocol/ws"
)

// Connection is what the server knows of one connection of this node.
type Connection struct {
	ID            string   `json:"id"`
	Client        string   `json:"client"` // address
	Origin        string   `json:"origin"` // its Origin header
	Users         []string `json:"users"`  // that it is a member of presence channels as
	Seconds       int64    `json:"seconds"`
	Subscriptions int      `json:"subscriptions"`
	Channels      []string `json:"channels"` // the first of them
	Waiting       int      `json:"waiting"`  // bytes that its client has not taken
}

// visitWait is how long loops may take to tell of their connections.
const visitWait = 2 * time.Second

// Connections returns up to so many connections of an app whose id, address, origin, user or a channel contains text.
func (r *Registry) Connections(app, text string, most int) []Connection {
	var mu sync.Mutex
	var list []Connection
	r.hub.Visit(visitWait, func(s *broadcast.Subscriber) {
		if d := s.Directory(); d == nil || d.App != app {
			return
		}
		mu.Lock()
		full := len(list) >= most
		mu.Unlock()
		if full {
			return
		}
		c := describe(s)
		if !c.contains(text) {
			return
		}
		mu.Lock()
		if len(list) < most {
			list = append(list, c)
		}
		mu.Unlock()
	})
	mu.Lock()
	defer mu.Unlock()
	return slices.Clone(list)
}

// describe is called on the loop of s.
func describe(s *broadcast.Subscriber) Connection {
	const channels = 20
	c := Connection{ID: s.ID.String(), Users: s.Users(), Subscriptions: s.Subscriptions(), Channels: s.Channels(channels)}
	if remote, ok := s.Conn().(interface{ Client() string }); ok {
		c.Client = remote.Client()
	}
	if buffered, ok := s.Conn().(interface{ Waiting() int }); ok {
		c.Waiting = buffered.Waiting()
	}
	if owned, ok := s.Conn().(interface{ Owner() any }); ok {
		if session, ok := owned.Owner().(*Session); ok && session.counted {
			c.Origin = session.origin.Value()
			c.Seconds = session.elapsed()/1000 - int64(session.openedAt)
		}
	}
	return c
}

func (c *Connection) contains(text string) bool {
	if text == "" || strings.Contains(c.ID, text) || strings.Contains(c.Client, text) || strings.Contains(c.Origin, text) {
		return true
	}
	has := func(s string) bool { return strings.Contains(s, text) }
	return slices.ContainsFunc(c.Users, has) || slices.ContainsFunc(c.Channels, has)
}

// End closes the connection of this node that has the id, as terminate_connections does, and reports whether there is one.
func (r *Registry) End(id pusher.SocketID) bool {
	found := make(chan struct{}, 1)
	r.hub.Visit(visitWait, func(s *broadcast.Subscriber) {
		if s.ID == id {
			s.Close(ws.StatusCode(pusher.CloseForbidden), "You got disconnected by the app.")
			found <- struct{}{}
		}
	})
	select {
	case <-found:
		return true
	default:
		return false
	}
}
