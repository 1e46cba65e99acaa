package apps

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"reverbd/broadcast"
	"reverbd/protocol/pusher"
	"reverbd/protocol/ws"
)

// What a session tells the Observer of its app's channels, in one place. What nobody is told of costs one comparison.

// observeOpened is called when the connection has been let in.
func (s *Session) observeOpened() {
	s.app.Channels.Count(s.Loop(), Opened, 1)
	if s.app.Channels.Reports(broadcast.ConnectionOpened) {
		s.app.Channels.Observe(broadcast.Activity{Kind: broadcast.ConnectionOpened, Socket: s.ID, Client: s.client()})
	}
}

// observeClosed is called when the connection is gone that had been let in. user had signed in, if it is not nil.
func (s *Session) observeClosed(user *broadcast.Identity, code ws.StatusCode, reason string) {
	s.app.Channels.Count(s.Loop(), closing(code), 1)
	if !s.app.Channels.Reports(broadcast.ConnectionClosed) {
		return
	}
	age := s.elapsed()/1000 - int64(s.openedAt)
	a := broadcast.Activity{
		Kind: broadcast.ConnectionClosed, Socket: s.ID, Code: int(code), Reason: reason, Age: time.Duration(age) * time.Second,
	}
	if user != nil {
		a.User = user.Key
	}
	s.app.Channels.Observe(a)
}

// observeClientEvent is called when a client event has been passed on.
func (s *Session) observeClientEvent(m pusher.Message) {
	s.app.Channels.Count(s.Loop(), EventsClient, 1)
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

// observeSubscription is called when the client has subscribed to a channel, or ended that.
func (s *Session) observeSubscription(kind broadcast.ActivityKind, channel []byte) {
	if s.app.Channels.Reports(kind) {
		s.app.Channels.Observe(broadcast.Activity{Kind: kind, Channel: string(channel), Socket: s.ID})
	}
}

// observeDenied is called when a connection is refused, which has that Origin header.
func (s *Session) observeDenied(e *pusher.Error, origin string) {
	if s.app == nil {
		s.sessions.Registry.hub.Unknown.Count(s.Loop(), refusal(e), 1)
		s.sessions.logRefused(s, e, "", origin)
		return
	}
	s.app.Channels.Count(s.Loop(), refusal(e), 1)
	s.sessions.logRefused(s, e, s.app.ID, origin)
	if s.app.Channels.Reports(broadcast.Refused) {
		s.app.Channels.Observe(broadcast.Activity{
			Kind: broadcast.Refused, Socket: s.ID, Code: e.Code, Reason: s.explain(e, origin), Client: s.client(),
		})
	}
}

// observeRefused is called when a message of the client is refused. err is why, wire what the client is told.
func (s *Session) observeRefused(wire *pusher.Error, err error) {
	s.app.Channels.Count(s.Loop(), refusal(wire), 1)
	if !s.app.Channels.Reports(broadcast.Refused) {
		return
	}
	a := broadcast.Activity{Kind: broadcast.Refused, Socket: s.ID, Code: wire.Code, Reason: s.explain(wire, ""), Client: s.client()}
	if r, ok := errors.AsType[*refusedSubscription](err); ok {
		a.Channel = string(r.channel)
	}
	s.app.Channels.Observe(a)
}

// client is the address of the client, "" if the connection does not know it.
func (s *Session) client() string {
	if remote, ok := s.Conn().(interface{ Client() string }); ok {
		return remote.Client()
	}
	return ""
}

// explain returns the text of an error with its cause, as far as the server knows it, and what to do about it.
func (s *Session) explain(e *pusher.Error, origin string) string {
	switch e {
	case pusher.ErrUnknownApp:
		return e.Message + ": no app has the key of the URL; compare it with REVERB_APP_KEY"
	case pusher.ErrDisabled:
		return e.Message + ": the app has enabled: false"
	case pusher.ErrOverQuota:
		return fmt.Sprintf("%s: max_connections of the app is %d", e.Message, s.app.MaxConnections)
	case pusher.ErrOrigin:
		return fmt.Sprintf("%s: %q is not among allowed_origins, %s", e.Message, origin, strings.Join(s.app.AllowedOrigins, ", "))
	case pusher.ErrUnauthorized:
		return e.Message + ": the signature is not the app's for this channel and socket id " + s.ID.String() +
			"; look at REVERB_APP_SECRET of who signs, and whether the page has reconnected since"
	case pusher.ErrNoUserID:
		return e.Message + " Have the channel's authorization return the user"
	case pusher.ErrNotMember:
		return e.Message + " Subscribe to it before sending client events (accept_client_events_from is " + string(s.app.AcceptClientEventsFrom) + ")"
	case pusher.ErrClientEventsOff:
		return e.Message + " Set accept_client_events_from to members"
	case pusher.ErrClientEventKind:
		return e.Message + " Use a private or presence channel, or set accept_client_events_from to members"
	case pusher.ErrRateLimit:
		return fmt.Sprintf("%s: rate_limiting is %d messages in %s", e.Message, s.app.RateLimit.MaxAttempts, s.app.RateLimit.Decay)
	case pusher.ErrOverCapacity:
		return e.Message + ": too much waits to be delivered"
	}
	return e.Message
}
