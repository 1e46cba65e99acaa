package apps

import (
	"errors"
	"net/http"

	"reverbd/broadcast"
	"reverbd/protocol/pusher"
)

// authorize checks that the app signed this subscription.
func (s *Session) authorize(kind pusher.Kind, sub pusher.Subscribe) error {
	switch user := s.User(); {
	case kind.IsServerToUser() && (user == nil || string(sub.Channel) != pusher.ServerToUserChannel(user.Key)):
		return pusher.ErrUnauthorized
	case kind.NeedsAuth() && !s.app.verifyChannel(sub, s.ID):
		return pusher.ErrUnauthorized
	}
	return nil
}

// identify reads the user of the client in channel_data: the member of a presence channel, or the user_id that its client events
// carry on a private channel, where a user_id is optional. On other channels nobody has signed channel_data, and it only has to be
// well-formed.
func (s *Session) identify(kind pusher.Kind, data []byte) (*broadcast.Identity, error) {
	switch {
	case kind.IsPresence() && len(data) == 0:
		if user := s.User(); user != nil {
			return user, nil
		}
		return nil, pusher.ErrNoUserID
	case kind.IsPresence():
		return broadcast.NewIdentity(data)
	case len(data) > 0 && !pusher.IsComposite(data):
		return nil, pusher.ErrInvalidFormat
	case len(data) > 0 && kind.NeedsAuth():
		if member, err := broadcast.NewIdentity(data); err == nil {
			return member, nil
		}
	}
	return nil, nil
}

// refusedSubscription is the error of a subscription that is refused. The client hears it twice: as an error, as in Reverb, and on
// the channel.
type refusedSubscription struct {
	wire    *pusher.Error
	channel []byte
}

func (e *refusedSubscription) Error() string { return e.wire.Error() }

func (e *refusedSubscription) Unwrap() error { return e.wire }

// status is what an HTTP answer would have: 401 where the app has not signed, 403 for a limit.
func (e *refusedSubscription) status() int {
	if e.wire.Code == pusher.ErrUnauthorized.Code {
		return http.StatusUnauthorized
	}
	return http.StatusForbidden
}

// refused makes a refusedSubscription of an error that concerns what the app has signed.
func refused(channel []byte, err error) error {
	if wire, ok := errors.AsType[*pusher.Error](err); ok && wire.Code == pusher.ErrUnauthorized.Code {
		return &refusedSubscription{wire, channel}
	}
	return err
}

// verifyChannel reports whether the app signed a subscription of the connection id.
func (a *App) verifyChannel(sub pusher.Subscribe, id pusher.SocketID) bool {
	if a.CheckAuthKey && !pusher.NamesKey(a.Key, sub.Auth) {
		return false
	}
	return pusher.VerifyChannel(a.Secret, sub.Auth, id, sub.Channel, sub.ChannelData) ||
		a.PreviousSecret != "" && pusher.VerifyChannel(a.PreviousSecret, sub.Auth, id, sub.Channel, sub.ChannelData)
}

// verify reports whether the app signed a request of the API. Without its body that is whether it signed the body that the request
// claims to have.
func (c *call) verify(whole bool) bool {
	a := c.app
	if key := c.query.Get("auth_key"); a.CheckAuthKey && key != "" && key != a.Key {
		return false
	}
	signed := func(s *pusher.Signer) bool {
		if !whole {
			return s.VerifyClaim(c.query, c.method, c.path)
		}
		return s.Verify(c.query, c.method, c.path, c.body)
	}
	return signed(a.signer(c.loop)) || a.PreviousSecret != "" && signed(pusher.NewSigner(a.PreviousSecret))
}
