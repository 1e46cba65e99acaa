package apps

import (
	"time"

	"reverbd/broadcast"
	"reverbd/protocol/pusher"
)

// signIn makes the client the user that the app has signed. What is not signed closes the connection: pusher-js would wait for an answer
// for ever.
func (s *Session) signIn(data []byte) error {
	in, err := pusher.ParseSignIn(data)
	if err != nil {
		return err
	}
	user, ok := s.app.verifyUser(in, s.ID)
	if !ok {
		s.traceError(pusher.ErrSignIn)
		s.refuse(pusher.ErrSignIn)
		return nil
	}
	member, err := broadcast.NewIdentity(user.AppendMember(nil))
	if err != nil {
		return err
	}
	s.mustSignIn = false
	b := broadcast.TextBuffer(2 * len(in.UserData))
	s.Send(broadcast.SealText(pusher.AppendSignInSuccess(b, in.UserData, user)))
	watched := user.Watchlist
	if len(watched) > pusher.MaxWatchlist {
		s.error(pusher.ErrWatchlist)
		watched = nil
	}
	s.app.Channels.SignIn(&s.Subscriber, member, watched)
	return nil
}

// verifyUser returns the user of a sign-in. ok is false if the app has not signed it, or no channel can have the events of such a user.
func (a *App) verifyUser(in pusher.SignIn, id pusher.SocketID) (u pusher.User, ok bool) {
	signed := !a.CheckAuthKey || pusher.NamesKey(a.Key, in.Auth)
	signed = signed && (pusher.VerifyUser(a.Secret, in.Auth, id, in.UserData) ||
		a.PreviousSecret != "" && pusher.VerifyUser(a.PreviousSecret, in.Auth, id, in.UserData))
	if !signed {
		return u, false
	}
	u, err := pusher.ParseUser(in.UserData)
	return u, err == nil && pusher.ValidName(pusher.ServerToUserChannel(string(u.Key)))
}

// signInLeft returns how long the client may still take to sign in, or to subscribe to a channel that the app signs. ok is false where it
// need not.
func (s *Session) signInLeft() (left time.Duration, ok bool) {
	if !s.mustSignIn || s.app.RequireSignIn <= 0 {
		return 0, false
	}
	age := time.Duration(s.elapsed()/1000-int64(s.openedAt)) * time.Second // may be a second too much
	return s.app.RequireSignIn + time.Second - age, true
}
