package client

import (
	"bytes"
	"encoding/json"
	"fmt"

	"reverbd/protocol/pusher"
	"reverbd/protocol/ws"
)

// Events of the protocol.
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

// eventName returns the name of a message's event, or nil. All servers put it first and write it without escapes, so it is usually
// found without parsing the rest.
func eventName(message []byte) []byte {
	const first = `{"event":"`
	if bytes.HasPrefix(message, []byte(first)) {
		if end := bytes.IndexByte(message[len(first):], '"'); end >= 0 {
			return message[len(first) : len(first)+end]
		}
	}
	return member(message, "event")
}

// member returns a member of a message's JSON object, decoded if it is a string, or nil.
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

// socketID returns the socket id in a connection_established message, or nil: the digits and dots behind the member's name, however
// many times the data around it is encoded.
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

// rosterSize returns the number of members in the subscription_succeeded of a presence channel, or -1. No user id of a run contains
// the word count.
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

// serverError makes an error of a pusher:error or pusher:subscription_error message.
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
		return saidError(said.Code, said.Message+said.Error)
	}
	return fmt.Errorf("the server says: %s", said.Message+said.Error)
}

// saidError is an error that has a code.
func saidError(code int, text string) error { return fmt.Errorf("the server says %d: %s", code, text) }

// closeError makes an error of a close frame's payload.
func closeError(payload []byte) error {
	code, reason, err := ws.ParseClose(payload)
	if err != nil {
		return fmt.Errorf("closed with a malformed close frame")
	}
	return fmt.Errorf("closed with %d %s", code, reason)
}
