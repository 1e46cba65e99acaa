package webhook

import (
	"bytes"
	"strconv"
	"time"

	"reverbd/protocol/pusher"
)

// Event is one thing that has happened. Which fields it has depends on its kind.
type Event struct {
	Kind    Kind
	At      time.Time
	Channel string // all but those of connections
	User    string // the user id of a member, of who sent a client event, of a signed-in connection; else ""

	Socket pusher.SocketID // client events, cache misses and connections
	Name   string          // of a client event
	Data   []byte          // of a client event: raw JSON, nil is null
	Count  int             // of subscriptions

	Code   int // of a connection that was closed; 0 when it ended without a close frame
	Reason string
	Age    time.Duration // that it reached
}

// Append appends the event as a JSON object in the form of Pusher's. Every event has a channel, and ids and data are strings, since
// Pusher's libraries for servers insist on that.
func (e *Event) Append(dst []byte) []byte {
	dst = append(dst, `{"name":"`...)
	dst = append(dst, e.Kind.String()...)
	dst = append(dst, `","channel":`...)
	dst = pusher.AppendString(dst, e.Channel)
	switch e.Kind {
	case ClientEvent:
		dst = append(dst, `,"event":`...)
		dst = pusher.AppendString(dst, e.Name)
		dst = append(dst, `,"data":`...)
		dst = appendData(dst, e.Data)
	case SubscriptionCount:
		dst = append(dst, `,"subscription_count":`...)
		dst = strconv.AppendInt(dst, int64(e.Count), 10)
	case ConnectionClosed:
		dst = append(dst, `,"code":`...)
		dst = strconv.AppendInt(dst, int64(e.Code), 10)
		dst = append(dst, `,"reason":`...)
		dst = pusher.AppendString(dst, e.Reason)
		dst = append(dst, `,"seconds":`...)
		dst = strconv.AppendInt(dst, int64(e.Age/time.Second), 10)
	}
	switch e.Kind {
	case ClientEvent, ConnectionOpened, ConnectionClosed:
		dst = append(dst, `,"socket_id":"`...)
		dst = e.Socket.Append(dst)
		dst = append(dst, '"')
	}
	if e.User != "" {
		dst = append(dst, `,"user_id":`...)
		dst = pusher.AppendString(dst, e.User)
	}
	return append(dst, '}')
}

// appendData appends the data of a client event as a string: what is none is JSON in a string, as it is in events of servers.
func appendData(dst, data []byte) []byte {
	data = bytes.TrimSpace(data)
	switch {
	case len(data) == 0:
		return append(dst, `"null"`...)
	case data[0] == '"':
		return append(dst, data...)
	}
	return pusher.AppendString(dst, data)
}

// size is about what the event takes in memory until it is encoded, in bytes.
func (e *Event) size() int {
	return len(e.Channel) + len(e.User) + len(e.Name) + len(e.Data) + len(e.Reason) + eventOverhead
}

// eventOverhead is what an event costs besides its texts, in bytes.
const eventOverhead = 200

// subject is what events are about that take each other back.
type subject struct {
	kind          Kind
	channel, user string
}

// lane is what the order of events is kept within: a channel, or a connection.
func (e *Event) lane() string {
	if e.Channel == "" {
		return e.Socket.String()
	}
	return e.Channel
}
