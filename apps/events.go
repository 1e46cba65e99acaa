package apps

import (
	"errors"
	"unicode/utf8"

	"reverbd/broadcast"
	"reverbd/broadcast/limitlog"
	"reverbd/protocol/pusher"
	"reverbd/protocol/ws"
)

// Message handles one text or binary message, which it may overwrite. A message that is refused is answered with an error event,
// and the connection stays open.
func (s *Session) Message(op ws.OpCode, payload []byte) {
	s.touch()
	s.refreshApp()
	s.app.Channels.Count(s.Loop(), MessagesIn, 1)
	s.app.Channels.Count(s.Loop(), BytesIn, uint64(len(payload)))
	if t := s.sessions.Trace; t != nil {
		t.Message("Message Received", s.ID.String(), payload)
	}
	if s.limited() {
		s.met(limitlog.Messages)
		if s.app.RateLimit.TerminateOnLimit {
			s.traceError(pusher.ErrRateLimit)
			s.observeRefused(pusher.ErrRateLimit, pusher.ErrRateLimit)
			s.refuse(pusher.ErrRateLimit)
			return
		}
		s.fail(pusher.ErrRateLimit)
		return
	}
	if err := s.handle(op, payload); err != nil {
		s.fail(err)
		return
	}
	s.info("Message Handled", s.ID)
}

// handle carries out one message. The error goes to the client.
func (s *Session) handle(op ws.OpCode, payload []byte) error {
	if op == ws.OpBinary && !utf8.Valid(payload) {
		return pusher.ErrInvalidFormat // it would make the text frames of its receivers invalid
	}
	m, err := pusher.Parse(payload)
	if err != nil {
		return err
	}
	if !m.IsPusher() {
		return s.clientEvent(m)
	}
	switch string(m.Event) {
	case pusher.EventPing:
		s.Send(pongEvent)
	case pusher.EventPong:
	case pusher.EventSubscribe:
		return s.subscribe(m.Data)
	case pusher.EventUnsubscribe:
		return s.unsubscribe(m.Data)
	case pusher.EventSignIn:
		return s.signIn(m.Data)
	case "pusher:connection_established":
		s.established()
	default:
		return pusher.ErrInvalidFormat
	}
	return nil
}

// fail sends the client the error of its message.
func (s *Session) fail(err error) {
	wire, ok := errors.AsType[*pusher.Error](err)
	if !ok {
		wire = pusher.ErrInvalidFormat
	}
	s.traceError(wire)
	s.observeRefused(wire, err)
	s.error(wire)
	if r, ok := errors.AsType[*refusedSubscription](err); ok && s.app.SubscriptionError {
		s.SendSubscriptionError(string(r.channel), wire.Message, r.status())
	}
}

func (s *Session) traceError(e *pusher.Error) {
	if t := s.sessions.Trace; t != nil {
		t.Error("Message from " + s.ID.String() + " resulted in a pusher error: " + e.Message)
	}
}

func (s *Session) subscribe(data []byte) error {
	sub, err := pusher.ParseSubscribe(data)
	if err != nil {
		return err
	}
	if !pusher.ValidName(sub.Channel) {
		return pusher.ErrInvalidFormat
	}
	kind := pusher.KindOf(sub.Channel)
	if err := s.authorize(kind, sub); err != nil {
		return refused(sub.Channel, err)
	}
	member, err := s.identify(kind, sub.ChannelData)
	if err != nil {
		return refused(sub.Channel, err)
	}
	if err := s.admitSubscription(sub.Channel, member); err != nil {
		return &refusedSubscription{err, sub.Channel}
	}
	if kind.NeedsAuth() {
		s.mustSignIn = false // the app knows who it is
	}
	joined := s.app.Channels.Subscribe(&s.Subscriber, sub.Channel, kind, member)
	if joined.Full {
		s.met(limitlog.Members)
		return &refusedSubscription{pusher.ErrMembers, sub.Channel}
	}
	s.observeSubscription(broadcast.Subscribed, sub.Channel)
	if joined.Success != nil { // else it comes later, by itself
		s.Send(joined.Success)
	}
	if joined.Last != nil {
		s.Send(joined.Last)
	}
	return nil
}

func (s *Session) unsubscribe(data []byte) error {
	channel, err := pusher.ParseUnsubscribe(data)
	if err != nil {
		return err
	}
	s.app.Channels.Unsubscribe(&s.Subscriber, channel)
	s.observeSubscription(broadcast.Unsubscribed, channel)
	return nil
}

// clientEvent handles every message that is not addressed to the server. Only client events are relayed; messages with other
// names are checked and then ignored, as in Reverb.
func (s *Session) clientEvent(m pusher.Message) error {
	if !pusher.ValidName(m.Channel) {
		return pusher.ErrInvalidFormat
	}
	if !m.IsClientEvent() {
		return nil
	}
	switch s.app.AcceptClientEventsFrom {
	case ClientEventsFromAll:
		if pusher.KindOf(m.Channel).IsServerToUser() {
			return pusher.ErrNotMember // as in subscribe
		}
	case ClientEventsFromMembers, ClientEventsFromPrivate:
		if s.app.AcceptClientEventsFrom == ClientEventsFromPrivate && !pusher.KindOf(m.Channel).TakesClientEvents() {
			return pusher.ErrClientEventKind
		}
		if !s.Subscribed(m.Channel) {
			return pusher.ErrNotMember
		}
	default:
		return pusher.ErrClientEventsOff
	}
	return s.whisper(m)
}

// whisper relays a client event to the other subscribers of its channel: its data byte for byte, and the user_id that the app
// signed for the sender, not the one that the message claims.
func (s *Session) whisper(m pusher.Message) error {
	var userID []byte
	if member := s.Member(m.Channel); member != nil {
		userID = member.ID
	}
	b := broadcast.TextBuffer(len(m.Event) + len(m.Data) + len(m.Channel) + len(userID))
	f := broadcast.SealText(pusher.AppendClientEvent(b, m.Event, m.Channel, m.Data, userID))
	if t := s.sessions.Trace; t != nil {
		t.Message("Broadcasting To", string(m.Channel), f.Payload())
	}
	if err := s.app.Channels.Publish(s.Loop(), m.Channel, f, s.ID); err != nil {
		return pusher.ErrOverCapacity
	}
	s.observeClientEvent(m)
	return nil
}
