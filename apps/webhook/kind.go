package webhook

import (
	"strings"

	"reverbd/broadcast"
)

// Kind is what an event is about: an activity that can be told.
type Kind broadcast.ActivityKind

// The kinds. Those of connections are not Pusher's.
const (
	ChannelOccupied   = Kind(broadcast.ChannelOccupied)
	ChannelVacated    = Kind(broadcast.ChannelVacated)
	MemberAdded       = Kind(broadcast.MemberAdded)
	MemberRemoved     = Kind(broadcast.MemberRemoved)
	ClientEvent       = Kind(broadcast.ClientEvent)
	CacheMiss         = Kind(broadcast.CacheMiss)
	SubscriptionCount = Kind(broadcast.SubscriptionCount)
	ConnectionOpened  = Kind(broadcast.ConnectionOpened)
	ConnectionClosed  = Kind(broadcast.ConnectionClosed)

	kindCount = ConnectionClosed + 1
)

var kindNames = [kindCount]string{
	"channel_occupied", "channel_vacated", "member_added", "member_removed", "client_event", "cache_miss", "subscription_count",
	"connection_opened", "connection_closed",
}

// String is the name of the kind in a webhook.
func (k Kind) String() string {
	if k >= kindCount {
		return "unknown"
	}
	return kindNames[k]
}

// ParseKind finds a kind by its name.
func ParseKind(name string) (k Kind, ok bool) {
	for k, known := range kindNames {
		if known == name {
			return Kind(k), true
		}
	}
	return 0, false
}

// KindNames lists the names of all kinds, with commas between.
func KindNames() string { return strings.Join(kindNames[:], ", ") }

// partner is the kind that takes one back: whoever comes to a channel takes back that it is vacated.
func (k Kind) partner() (Kind, bool) {
	switch k {
	case ChannelOccupied, MemberAdded:
		return k + 1, true
	case ChannelVacated, MemberRemoved:
		return k - 1, true
	}
	return k, false
}

// departs reports that the kind is reported only after a while.
func (k Kind) departs() bool { return k == ChannelVacated || k == MemberRemoved }

// Kinds is a set of kinds.
type Kinds uint16

// Pushers are the kinds that a webhook is for that does not say which: those that Pusher has.
const Pushers Kinds = 1<<ChannelOccupied | 1<<ChannelVacated | 1<<MemberAdded | 1<<MemberRemoved | 1<<ClientEvent | 1<<CacheMiss

// SetOf is the set of these kinds.
func SetOf(kinds ...Kind) (s Kinds) {
	for _, k := range kinds {
		s |= 1 << k
	}
	return s
}

// Has reports whether the set has the kind.
func (s Kinds) Has(k Kind) bool { return s>>k&1 != 0 }

// withPartners adds to the set the kinds that take back what is in it.
func (s Kinds) withPartners() Kinds {
	all := s
	for k := range kindCount {
		if p, ok := k.partner(); ok && s.Has(k) {
			all |= 1 << p
		}
	}
	return all
}
