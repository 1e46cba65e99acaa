package client

import (
	"bytes"
	"encoding/json"
	"fmt"

	"reverbd/protocol/pusher"
	"reverbd/protocol/ws"
)

// Events of the server itself.
const (
	eventEstablished = "pusher:connection_established"
	eventPing        = "pusher:ping"
	eventPong        = "pusher:pong"
	eventError       = "pusher:error"
	eventSubscribed  = "pusher_internal:subscription_succeeded"
	eventRefused     = "pusher:subscription_error"
	eventAdded       = "pusher_internal:member_added"
	eventRemoved     = "pusher_internal:member_removed"
)

// eventName returns the name of a message's event, nil if it has none. All servers put it first and write it without
// escapes, so that it is found without parsing the rest.
func eventName(message []byte) []byte {
	const first = `{"event":"`
	if bytes.HasPrefix(message, []byte(first)) {
		if end := bytes.IndexByte(message[len(first):], '"'); end >= 0 {
			return message[len(first) : len(first)+end]
		}
	}
	return member(message, "event")
}

// member returns a member of the object in a message, decoded if it is a string; nil if there is none.
func member(message []byte, name string) (found []byte) {
	members, err := pusher.ObjectMembers(message)
	if err != nil {
		return nil
	}
	for key, value, ok := members.Next(); ok; key, value, ok = members.Next() {
		if string(key) == name {
			found = value
		}
	}
	if len(found) > 0 && found[0] == '"' {
		found = pusher.AppendUnquoted(nil, found)
	}
	return found
}

// socketID returns what a connection_established message calls the connection, nil if it does not say. It is what is
// behind the name, as far as it consists of digits and dots, however often the data around it has been encoded.
func socketID(message []byte) []byte {
	_, rest, _ := bytes.Cut(message, []byte("socket_id"))
	start := bytes.IndexAny(rest, "0123456789")
	if start < 0 {
		return nil
	}
	rest = rest[start:]
	end := bytes.IndexFunc(rest, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
	if end < 0 {
		return nil
	}
	return rest[:end]
}

// rosterSize returns how many members a presence channel has, as the answer to a subscription says, or -1. Users of a run
// are not called count.
func rosterSize(message []byte) int {
	_, rest, _ := bytes.Cut(message, []byte("count"))
	start := bytes.IndexAny(rest, "0123456789")
	if start < 0 {
		return -1
	}
	n := 0
	for _, digit := range rest[start:] {
		if digit < '0' || digit > '9' {
			break
		}
		n = 10*n + int(digit-'0')
	}
	return n
}

// serverError is the text of a pusher:error or pusher:subscription_error message.
func serverError(message []byte) error {
	var said struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
		Error   string `json:"error"`
	}
	data := member(message, "data")
	if json.Unmarshal(data, &said) != nil || said.Message == "" && said.Error == "" {
		return fmt.Errorf("the server says %.120s", message)
	}
	if said.Code != 0 {
		return fmt.Errorf("the server says %d: %s", said.Code, said.Message+said.Error)
	}
	return fmt.Errorf("the server says: %s", said.Message+said.Error)
}

// closeError is the text of a close frame.
func closeError(payload []byte) error {
	code, reason, err := ws.ParseClose(payload)
	if err != nil {
		return fmt.Errorf("closed with a malformed close frame")
	}
	return fmt.Errorf("closed with %d %s", code, reason)
}
