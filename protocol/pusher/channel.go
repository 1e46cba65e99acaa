package pusher

import "unicode/utf8"

// Kind is the set of properties that a channel has by the prefix of its name. The zero Kind is a public channel.
type Kind uint8

// The parts of a Kind, each from a part of the name.
const (
	Private   Kind = 1 << iota // private-
	Presence                   // presence-
	Cache                      // cache-, private-cache-, presence-cache-, private-encrypted-cache-
	Encrypted                  // private-encrypted-: end to end, the server only carries it
	ToUser                     // #server-to-user-: for the one user who has signed in as that id
	Online                     // OnlineChannel: not for clients
)

// kinds lists the prefixes, longer ones before those that they begin with. All end in a dash, which Reverb forgets
// for three of them (there, "cachet" is a cache channel).
var kinds = [...]struct {
	prefix string
	kind   Kind
}{
	{"private-encrypted-cache-", Private | Encrypted | Cache},
	{"private-encrypted-", Private | Encrypted},
	{"private-cache-", Private | Cache},
	{"private-", Private},
	{"presence-cache-", Presence | Cache},
	{"presence-", Presence},
	{"cache-", Cache},
	{serverToUser, ToUser},
	{online, Presence | Online},
}

const (
	serverToUser = "#server-to-user-"
	online       = "\x01online-"
)

// ServerToUserChannel is the channel of events for one signed-in user.
func ServerToUserChannel(user string) string { return serverToUser + user }

// OnlineChannel is the channel whose roster says whether a signed-in user is online. It belongs to the server: no client and no
// publisher can name it, since ValidName refuses the control character that it begins with.
func OnlineChannel(user string) string { return online + user }

// OnlineUser is the user of an OnlineChannel.
func OnlineUser(channel string) string { return channel[len(online):] }

// KindOf returns the kind of the channel of that name. Case matters.
func KindOf[T Text](name T) Kind {
	for i := range kinds {
		if hasPrefix(name, kinds[i].prefix) {
			return kinds[i].kind
		}
	}
	return 0
}

// NeedsAuth reports whether a subscription must carry a signature (VerifyChannel). A server-to-user channel needs
// none: it belongs to the user that the connection is signed in as.
func (k Kind) NeedsAuth() bool { return k&(Private|Presence) != 0 }

// IsPresence reports whether the channel has a roster of members.
func (k Kind) IsPresence() bool { return k&Presence != 0 }

// IsCache reports whether the channel's last event is kept for new subscribers.
func (k Kind) IsCache() bool { return k&Cache != 0 }

// TakesClientEvents reports whether Pusher relays client events on the channel: it is private or a presence channel, and the server
// can read its events.
func (k Kind) TakesClientEvents() bool { return k.NeedsAuth() && k&Encrypted == 0 }

// IsServerToUser reports whether the channel belongs to one signed-in user.
func (k Kind) IsServerToUser() bool { return k&ToUser != 0 }

// IsOnline reports whether the channel is an OnlineChannel.
func (k Kind) IsOnline() bool { return k&Online != 0 }

// MaxNameLength is the longest channel name, in bytes. Pusher allows 164 characters; Reverb has no limit.
const MaxNameLength = 200

// ValidName reports whether a channel may have this name: 1 to MaxNameLength bytes of UTF-8 without control
// characters (U+0000 to U+001F, U+007F to U+009F).
func ValidName[T Text](name T) bool {
	if len(name) == 0 || len(name) > MaxNameLength {
		return false
	}
	for i := 0; i < len(name); {
		c, size := name[i], 1
		if c >= utf8.RuneSelf {
			size = runeLength(name, i)
		}
		if c < ' ' || c == 0x7f || size == 0 || c == 0xc2 && name[i+1] <= 0x9f {
			return false
		}
		i += size
	}
	return true
}
