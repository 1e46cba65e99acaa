package apps

import (
	"time"

	"reverbd/broadcast"
	"reverbd/protocol/pusher"
	"reverbd/protocol/ws"
)

// What a session tells the Observer of its app's channels, in one place. What nobody is told of costs one comparison.

// observeOpened is called when the connection has been let in.
func (s *Session) observeOpened() {
	if s.app.Channels.Reports(broadcast.ConnectionOpened) {
		s.app.Channels.Observe(broadcast.Activity{Kind: broadcast.ConnectionOpened, Socket: s.ID})
	}
}

// observeClosed is called when the connection is gone that had been let in.
func (s *Session) observeClosed(code ws.StatusCode, reason string) {
	if !s.app.Channels.Reports(broadcast.ConnectionClosed) {
		return
	}
	age := s.elapsed()/1000 - int64(s.openedAt)
	s.app.Channels.Observe(broadcast.Activity{
		Kind: broadcast.ConnectionClosed, Socket: s.ID, Code: int(code), Reason: reason, Age: time.Duration(age) * time.Second,
	})
}

// observeClientEvent is called when a client event has been passed on.
func (s *Session) observeClientEvent(m pusher.Message) {
	if !s.app.Channels.Reports(broadcast.ClientEvent) {
		return
	}
	a := broadcast.Activity{
		Kind: broadcast.ClientEvent, Channel: string(m.Channel), Socket: s.ID, Name: m.Event, Data: m.Data,
	}
	if member := s.Member(m.Channel); member != nil {
		a.User = member.Key
	}
	s.app.Channels.Observe(a)
}
