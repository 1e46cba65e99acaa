package pusher

import (
	"bytes"
	"fmt"
)

// ErrInvalidMessage is returned for whatever cannot be understood: JSON, UTF-8 or shape. It wraps
// ErrInvalidFormat, which is sent to the client; the connection stays open.
var ErrInvalidMessage = fmt.Errorf("pusher: %w", ErrInvalidFormat)

// Events that clients send to the server itself.
const (
	EventPing        = "pusher:ping"
	EventPong        = "pusher:pong"
	EventSubscribe   = "pusher:subscribe"
	EventUnsubscribe = "pusher:unsubscribe"
	EventSignIn      = "pusher:signin"
)

// Message is one message of a client. Its slices alias the text it was parsed from.
type Message struct {
	Event   []byte // decoded, never blank
	Channel []byte // decoded; nil when absent or null
	Data    []byte // the JSON value as it was sent; nil when absent
}

// Parse reads a client's message: an object with a string event and, when there is one, a string channel; other
// members are allowed and ignored. It may decode strings in place, so p is not the client's text any more
// afterwards, whatever it returns; Data is untouched. The only error is ErrInvalidMessage.
func Parse(p []byte) (Message, error) {
	members, err := ObjectMembers(p)
	if err != nil {
		return Message{}, ErrInvalidMessage
	}
	var event, channel, data []byte
	for key, value, ok := members.Next(); ok; key, value, ok = members.Next() {
		switch string(key) {
		case "event":
			event = value
		case "channel":
			channel = value
		case "data":
			data = value
		}
	}
	m := Message{Data: data}
	eventOK, channelOK := false, false
	if members.Err() == nil {
		m.Event, eventOK = requiredText(event)
		m.Channel, channelOK = optionalText(channel)
	}
	if !eventOK || !channelOK || isBlank(m.Event) {
		return Message{}, ErrInvalidMessage
	}
	return m, nil
}

// EventData returns the data of an event, as the raw JSON value that it is; null if there is none.
func EventData(event []byte) []byte {
	data := []byte("null")
	members, err := ObjectMembers(event)
	if err != nil {
		return data
	}
	for key, value, ok := members.Next(); ok; key, value, ok = members.Next() {
		if string(key) == "data" {
			data = value
		}
	}
	return data
}

// IsPusher reports whether the message is for the server itself.
func (m Message) IsPusher() bool { return hasPrefix(m.Event, "pusher:") }

// IsClientEvent reports whether the message is to be relayed to the other subscribers of its channel.
func (m Message) IsClientEvent() bool { return hasPrefix(m.Event, "client-") }

// isBlank is Laravel's `required` rule for strings: nothing is left after PHP's trim.
func isBlank(text []byte) bool { return len(bytes.Trim(text, " \t\n\r\x00\x0b")) == 0 }

// requiredText decodes in place a member that must be a string. token is valid JSON, or nil for an absent member.
func requiredText(token []byte) (text []byte, ok bool) {
	if len(token) == 0 || token[0] != '"' {
		return nil, false
	}
	return unquote(token), true
}

// optionalText is requiredText for a member that may also be absent or null, which gives nil.
func optionalText(token []byte) (text []byte, ok bool) {
	if isNull(token) {
		return nil, true
	}
	return requiredText(token)
}

// isNull reports whether a valid token is null, or a member absent.
func isNull(token []byte) bool { return len(token) == 0 || token[0] == 'n' }
