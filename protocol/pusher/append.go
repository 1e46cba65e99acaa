package pusher

import (
	"strconv"
)

// Encoders of the server's messages: each appends one JSON text, without a frame. The data of the server's own
// events is JSON inside a JSON string; that of client events is whatever value the client sent. Arguments called
// raw are JSON already and are copied byte for byte.

// AppendConnectionEstablished appends the first message of a connection. activityTimeout is in seconds; pusher-js
// refuses 0.
func AppendConnectionEstablished(dst []byte, id SocketID, activityTimeout int) []byte {
	dst = append(dst, `{"event":"pusher:connection_established","data":"{\"socket_id\":\"`...)
	dst = id.Append(dst)
	dst = append(dst, `\",\"activity_timeout\":`...)
	dst = strconv.AppendInt(dst, int64(activityTimeout), 10)
	return append(dst, `}"}`...)
}

// AppendError appends a pusher:error event whose data is an object, as Pusher's protocol page has it.
func AppendError(dst []byte, code int, message string) []byte {
	dst = append(dst, `{"event":"pusher:error","data":`...)
	dst = appendErrorData(dst, code, message)
	return append(dst, '}')
}

// AppendErrorText appends a pusher:error event whose data is an object inside a JSON string, as Reverb sends it. Some clients
// (Pysher, pusher-websocket-swift and -dotnet, toorop/go-pusher) cannot read that.
func AppendErrorText(dst []byte, code int, message string) []byte {
	var space [128]byte // holds every message of this package, so that an error costs no allocation
	dst = append(dst, `{"event":"pusher:error","data":`...)
	dst = AppendString(dst, appendErrorData(space[:0], code, message))
	return append(dst, '}')
}

func appendErrorData(dst []byte, code int, message string) []byte {
	dst = append(dst, `{"code":`...)
	dst = strconv.AppendInt(dst, int64(code), 10)
	dst = append(dst, `,"message":`...)
	dst = AppendString(dst, message)
	return append(dst, '}')
}

// AppendSubscriptionError appends the event by which the client of a channel learns that it is not subscribed: pusher-js hands it to
// the channel, and Echo's error() binds to nothing else. status is as of an HTTP answer. The data is an object, as soketi has it.
func AppendSubscriptionError[C Text](dst []byte, channel C, message string, status int) []byte {
	dst = append(dst, `{"event":"pusher:subscription_error","data":{"type":"AuthError","error":`...)
	dst = AppendString(dst, message)
	dst = append(dst, `,"status":`...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, '}')
	return appendChannel(dst, channel)
}

// AppendSubscriptionCount appends the number of subscribers of a channel.
func AppendSubscriptionCount[C Text](dst []byte, channel C, count int) []byte {
	dst = append(dst, `{"event":"pusher_internal:subscription_count","data":"{\"subscription_count\":`...)
	dst = strconv.AppendInt(dst, int64(count), 10)
	dst = append(dst, `}"`...)
	return appendChannel(dst, channel)
}

// AppendPing appends the server's question whether the client is still there.
func AppendPing(dst []byte) []byte { return append(dst, `{"event":"pusher:ping"}`...) }

// AppendPong appends the answer to a client's pusher:ping.
func AppendPong(dst []byte) []byte { return append(dst, `{"event":"pusher:pong"}`...) }

// AppendSubscriptionSucceeded appends the answer to a subscription, for any channel but a presence channel.
func AppendSubscriptionSucceeded[C Text](dst []byte, channel C) []byte {
	dst = append(dst, `{"event":"pusher_internal:subscription_succeeded","data":"{}"`...)
	return appendChannel(dst, channel)
}

// Roster is the members of a presence channel, encoded for AppendPresenceSucceeded. The zero value is empty. A copy does not change
// when the Roster that it was made of grows; only one of the two may grow.
type Roster struct {
	ids, hash []byte
	count     int
}

// Count is the number of members.
func (r *Roster) Count() int { return r.count }

// Size is the number of bytes of all members.
func (r *Roster) Size() int { return len(r.ids) + len(r.hash) }

// Append appends a member, in the order in which members are to be shown. Each user must be appended once.
//
// A hash has string keys, and the key of an id that is a string already is that very token: so Member.Key is not
// looked at, and nothing needs escaping twice.
func (r *Roster) Append(m Member) {
	if r.count > 0 {
		r.ids, r.hash = append(r.ids, ','), append(r.hash, ',')
	}
	r.ids = appendEscaped(r.ids, m.ID)
	r.hash = appendHashMember(r.hash, m)
	r.count++
}

// AppendPresenceSucceeded appends the answer to a subscription to a presence channel, with its roster.
func AppendPresenceSucceeded[C Text](dst []byte, channel C, r *Roster) []byte {
	dst = append(dst, `{"event":"pusher_internal:subscription_succeeded","data":"{\"presence\":{\"count\":`...)
	dst = strconv.AppendInt(dst, int64(r.count), 10)
	dst = append(dst, `,\"ids\":[`...)
	dst = append(dst, r.ids...)
	dst = append(dst, `],\"hash\":{`...)
	dst = append(dst, r.hash...)
	dst = append(dst, `}}}"`...)
	return appendChannel(dst, channel)
}

// appendHashMember appends one member of a roster's hash, escaped for the string around it.
func appendHashMember(dst []byte, m Member) []byte {
	if hasPrefix(m.ID, `"`) {
		dst = appendEscaped(dst, m.ID)
	} else {
		dst = append(dst, `\"`...)
		dst = append(dst, m.ID...)
		dst = append(dst, `\"`...)
	}
	dst = append(dst, ':')
	if m.Info == nil {
		return append(dst, "{}"...) // as Reverb since 1.12: pages read properties of it
	}
	return appendEscaped(dst, m.Info)
}

// AppendMemberAdded appends the news that a user has joined a presence channel. channelData is the text that the
// user subscribed with, so members beside user_id and user_info reach the others too.
func AppendMemberAdded[C Text](dst []byte, channel C, channelData []byte) []byte {
	dst = append(dst, `{"event":"pusher_internal:member_added","data":`...)
	dst = AppendString(dst, channelData)
	return appendChannel(dst, channel)
}

// AppendMemberRemoved appends the news that a user's last connection has left a presence channel. rawID is Member.ID.
func AppendMemberRemoved[C Text](dst []byte, channel C, rawID []byte) []byte {
	dst = append(dst, `{"event":"pusher_internal:member_removed","data":"{\"user_id\":`...)
	dst = appendEscaped(dst, rawID)
	dst = append(dst, `}"`...)
	return appendChannel(dst, channel)
}

// AppendCacheMiss appends what a subscriber of a cache channel gets when there is no last event.
func AppendCacheMiss[C Text](dst []byte, channel C) []byte {
	dst = append(dst, `{"event":"pusher:cache_miss"`...)
	return appendChannel(dst, channel)
}

// AppendEvent appends an event published through the HTTP API. The three are JSON string tokens of the request.
func AppendEvent(dst, rawEvent, rawData, rawChannel []byte) []byte {
	dst = append(dst, `{"event":`...)
	dst = append(dst, rawEvent...)
	dst = append(dst, `,"data":`...)
	dst = append(dst, rawData...)
	dst = append(dst, `,"channel":`...)
	dst = append(dst, rawChannel...)
	return append(dst, '}')
}

// AppendClientEvent appends an event that a client sends to the others of a channel. rawData is Message.Data, where
// nil is sent as null; rawUserID is the sender's Member.ID on that channel, nil when it has none.
func AppendClientEvent[E, C Text](dst []byte, event E, channel C, rawData, rawUserID []byte) []byte {
	dst = append(dst, `{"event":`...)
	dst = AppendString(dst, event)
	dst = append(dst, `,"channel":`...)
	dst = AppendString(dst, channel)
	dst = append(dst, `,"data":`...)
	if rawData == nil {
		dst = append(dst, "null"...)
	} else {
		dst = append(dst, rawData...)
	}
	if rawUserID != nil {
		dst = append(dst, `,"user_id":`...)
		dst = append(dst, rawUserID...)
	}
	return append(dst, '}')
}

// appendChannel ends a message with its channel.
func appendChannel[C Text](dst []byte, channel C) []byte {
	dst = append(dst, `,"channel":`...)
	dst = AppendString(dst, channel)
	return append(dst, '}')
}
