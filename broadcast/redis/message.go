package redis

import (
	"bytes"
	"errors"
	"strings"
)

// The nodes' messages. Any client of Redis may publish on the same channels, so every message is checked: it begins with
// magic and its kind; events have a checksum, because a wrong number that is believed would suppress later messages of its
// process, and are UTF-8; the version of a roster rises by the number of its changes; and no length is believed beyond the
// bytes that are there.
const magic = "rvb1"

// kind is the kind of a message.
type kind byte

const (
	kindEvent     kind = 'e' // an event
	kindCached    kind = 'c' // an event of a cache channel, followed by its offset
	kindChanges   kind = 'p' // changes of a roster, published by rosterScript and removeScript
	kindTerminate kind = 't' // a command to end a user's connections: the only one that older nodes know
	kindCommand   kind = 'u' // any other command, as JSON
	kindQuery     kind = 'q'
	kindReply     kind = 'a'
	kindHello     kind = 'h' // a node has joined
	kindGoodbye   kind = 'b' // a node has left
)

var errMessage = errors.New("redis: not a message of a node")

func appendHeader(dst []byte, k kind) []byte {
	dst = append(dst, magic...)
	return append(dst, byte(k))
}

// kindOf returns the kind of a message, 0 if it is no message of a node.
func kindOf(m string) kind {
	if len(m) <= len(magic) || !strings.HasPrefix(m, magic) {
		return 0
	}
	return kind(m[len(magic)])
}

// appendTerminate returns the payload of kindTerminate: the app id, a zero byte, the user.
func appendTerminate(app, user string) []byte {
	return append(append([]byte(app), 0), user...)
}

func parseTerminate(payload []byte) (app, user string, err error) {
	a, u, found := bytes.Cut(payload, []byte{0})
	if !found {
		return "", "", errMessage
	}
	return string(a), string(u), nil
}
