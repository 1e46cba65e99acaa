package pusher

import (
	"bytes"
	"crypto/hmac"
)

// MaxWatchlist is how many users one client may watch, as at Pusher.
const MaxWatchlist = 100

// SignIn is the data of a pusher:signin message. Its slices alias the message.
type SignIn struct {
	Auth     []byte // decoded
	UserData []byte // decoded, so JSON itself: what the app has signed
}

// ParseSignIn reads the data of a pusher:signin message, under the rules of ParseSubscribe.
func ParseSignIn(data []byte) (SignIn, error) {
	members, err := payload(data)
	if err != nil {
		return SignIn{}, ErrInvalidMessage
	}
	var auth, userData []byte
	for key, value, ok := members.Next(); ok; key, value, ok = members.Next() {
		switch string(key) {
		case "auth":
			auth = value
		case "user_data":
			userData = value
		}
	}
	if members.Err() != nil {
		return SignIn{}, ErrInvalidMessage
	}
	var s SignIn
	var authOK, dataOK bool
	s.Auth, authOK = optionalText(auth)
	s.UserData, dataOK = requiredText(userData)
	if !authOK || !dataOK {
		return SignIn{}, ErrInvalidMessage
	}
	return s, nil
}

// UserSignature returns the hexadecimal signature that lets a connection sign in: HMAC-SHA256 under the app's secret of
// "socket_id::user::user_data".
func UserSignature(secret string, id SocketID, userData []byte) string {
	return string(userSignature(secret, id, userData))
}

// VerifyUser reports whether auth, as the client sent it, signs the sign-in, under the rules of VerifyChannel.
func VerifyUser(secret string, auth []byte, id SocketID, userData []byte) bool {
	return hmac.Equal(authSignature(auth), userSignature(secret, id, userData))
}

func userSignature(secret string, id SocketID, userData []byte) []byte {
	text := append(id.Append(nil), "::user::"...)
	return sign(secret, append(text, userData...))
}

// User is what user_data says of a user. Its slices alias that text.
type User struct {
	ID        []byte   // as it was sent, a JSON string or number
	Key       []byte   // who it is: see Member.Key
	Info      []byte   // user_info as it was sent; nil when absent
	Watchlist []string // ids of users, each once
}

// ParseUser reads user_data, which it leaves as it is. Apps may have members of their own in it. It returns ErrInvalidMessage if that is
// no JSON object, or has no id that is a number or a string with something in it, or a watchlist that is not an array of such ids.
func ParseUser(userData []byte) (User, error) {
	members, err := ObjectMembers(userData)
	if err != nil {
		return User{}, ErrInvalidMessage
	}
	var u User
	var watchlist []byte
	for key, value, ok := members.Next(); ok; key, value, ok = members.Next() {
		switch string(key) {
		case "id":
			u.ID = value
		case "user_info":
			u.Info = value
		case "watchlist":
			watchlist = value
		}
	}
	if members.Err() != nil {
		return User{}, ErrInvalidMessage
	}
	u.Key = memberKey(u.ID)
	if len(u.Key) == 0 || !u.watch(watchlist) {
		return User{}, ErrInvalidMessage
	}
	return u, nil
}

// watch reads the watchlist. It reports false for one that is malformed.
func (u *User) watch(list []byte) bool {
	if isNull(list) {
		return true
	}
	elements, err := ArrayElements(list)
	if err != nil {
		return false
	}
	seen := make(map[string]bool)
	for id, more := elements.Next(); more; id, more = elements.Next() {
		key := string(memberKey(id))
		if key == "" {
			return false
		}
		if !seen[key] {
			seen[key] = true
			u.Watchlist = append(u.Watchlist, key)
		}
	}
	return elements.Err() == nil
}

// AppendMember appends the user as the channel_data of a presence channel.
func (u User) AppendMember(dst []byte) []byte {
	dst = append(dst, `{"user_id":`...)
	dst = append(dst, u.ID...)
	if u.Info != nil {
		dst = append(dst, `,"user_info":`...)
		dst = append(dst, u.Info...)
	}
	return append(dst, '}')
}

// AppendSignInSuccess appends the answer to a sign-in. Its user_data is as the app signed it, except that an id that is a number becomes
// a string: pusher-js does not believe in another one, and Laravel signs the number of its model.
func AppendSignInSuccess(dst, userData []byte, u User) []byte {
	if !hasPrefix(u.ID, `"`) {
		userData = withTextID(userData, u)
	}
	inner := AppendString([]byte(`{"user_data":`), userData)
	dst = append(dst, `{"event":"pusher:signin_success","data":`...)
	dst = AppendString(dst, append(inner, '}'))
	return append(dst, '}')
}

// withTextID returns user_data with the id as a string.
func withTextID(userData []byte, u User) []byte {
	members, err := ObjectMembers(userData)
	if err != nil {
		return userData
	}
	text := []byte{'{'}
	for key, value, ok := members.Next(); ok; key, value, ok = members.Next() {
		if len(text) > 1 {
			text = append(text, ',')
		}
		text = append(AppendString(text, key), ':')
		if string(key) == "id" {
			text = AppendString(text, u.Key)
		} else {
			text = append(text, value...)
		}
	}
	return append(text, '}')
}

// AppendWatchlist appends the event that tells a client which users it watches are online, and which are not.
func AppendWatchlist(dst []byte, online, offline []string) []byte {
	inner := []byte(`{"events":[`)
	start := len(inner)
	for _, e := range [...]struct {
		name string
		ids  []string
	}{{"online", online}, {"offline", offline}} {
		if len(e.ids) == 0 {
			continue
		}
		if len(inner) > start {
			inner = append(inner, ',')
		}
		inner = append(inner, `{"name":"`...)
		inner = append(inner, e.name...)
		inner = append(inner, `","user_ids":[`...)
		for i, id := range e.ids {
			if i > 0 {
				inner = append(inner, ',')
			}
			inner = AppendString(inner, id)
		}
		inner = append(inner, "]}"...)
	}
	dst = append(dst, `{"event":"pusher_internal:watchlist_events","data":`...)
	dst = AppendString(dst, append(inner, "]}"...))
	return append(dst, '}')
}

// authSignature is the part of auth that signs: what follows the first colon, or all of it.
func authSignature(auth []byte) []byte {
	if _, after, ok := bytes.Cut(auth, []byte{':'}); ok {
		return after
	}
	return auth
}
