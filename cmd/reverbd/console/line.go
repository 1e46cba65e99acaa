package console

import (
	"encoding/json"
	"time"

	"reverbd/broadcast"
)

// Line is one thing that has happened.
type Line struct {
	At      time.Time       `json:"at"`
	Kind    string          `json:"kind"` // one of Kinds
	App     string          `json:"app"`
	Channel string          `json:"channel,omitempty"`
	Socket  string          `json:"socket,omitempty"`
	Client  string          `json:"client,omitempty"` // address
	User    string          `json:"user,omitempty"`
	Event   string          `json:"event,omitempty"` // of a client event
	Request string          `json:"request,omitempty"`
	Data    json.RawMessage `json:"data,omitempty"` // the message, or the data of a client event
	Cut     int             `json:"cut,omitempty"`  // bytes of Data that are not shown; Data is null then
	Code    int             `json:"code,omitempty"` // of a close, an error or an answer
	Reason  string          `json:"reason,omitempty"`
	Count   int             `json:"count,omitempty"`   // of subscribers
	Seconds int             `json:"seconds,omitempty"` // that a connection lasted
	Missing int64           `json:"missing,omitempty"` // lines that were left out before this one
}

// kinds are the names of broadcast.ActivityKind.
var kinds = [broadcast.ActivityKinds]string{
	broadcast.ChannelOccupied: "channel_occupied", broadcast.ChannelVacated: "channel_vacated",
	broadcast.MemberAdded: "member_added", broadcast.MemberRemoved: "member_removed",
	broadcast.ClientEvent: "client_event", broadcast.CacheMiss: "cache_miss", broadcast.SubscriptionCount: "subscription_count",
	broadcast.ConnectionOpened: "opened", broadcast.ConnectionClosed: "closed",
	broadcast.Subscribed: "subscribed", broadcast.Unsubscribed: "unsubscribed",
	broadcast.Published: "published", broadcast.Refused: "refused", broadcast.Answered: "answered",
}

// maxData is how much of a message is shown, in bytes.
const maxData = 4 << 10

// newLine copies an activity.
func newLine(a *broadcast.Activity, now time.Time) Line {
	l := Line{
		At: now, Kind: kinds[a.Kind], App: a.App, Channel: a.Channel, Client: a.Client, User: a.User, Code: a.Code, Reason: a.Reason,
		Count: a.Count, Seconds: int(a.Age / time.Second),
	}
	if a.Socket != 0 {
		l.Socket = a.Socket.String()
	}
	if a.Kind == broadcast.Answered {
		l.Request = string(a.Name)
	} else {
		l.Event = string(a.Name)
	}
	switch {
	case len(a.Data) > maxData:
		l.Cut = len(a.Data)
	case len(a.Data) > 0 && json.Valid(a.Data):
		l.Data = append(json.RawMessage(nil), a.Data...)
	}
	return l
}
