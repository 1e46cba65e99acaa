package client

import (
	"bytes"
	"errors"
	"fmt"

	"reverbd/bench/internal/dialect"
)

// ErrNotCompressed is the error of a connection that offered compression and did not get it, or the reverse.
var ErrNotCompressed = errors.New("the server has not accepted the offer to compress")

// maxUpgrade bounds the answer to a handshake, in bytes.
const maxUpgrade = 16 << 10

// parseUpgrade reads the answer to the handshake and returns its size in p, or 0 if p is incomplete. The error says why the server
// refused. compressed says whether the server must have accepted the offer of compression.
func parseUpgrade(p []byte, compressed bool) (n int, err error) {
	end := bytes.Index(p, []byte("\r\n\r\n"))
	switch {
	case end < 0 && len(p) > maxUpgrade:
		return 0, fmt.Errorf("the answer to the handshake is not HTTP")
	case end < 0:
		return 0, nil
	}
	head := p[:end]
	line, _, _ := bytes.Cut(head, []byte("\r\n"))
	_, status, _ := bytes.Cut(line, []byte(" "))
	if !bytes.HasPrefix(line, []byte("HTTP/1.")) || !bytes.HasPrefix(status, []byte("101")) {
		return 0, fmt.Errorf("handshake answered with %.60q", status)
	}
	if !bytes.Contains(head, []byte(dialect.WebSocketAccept)) {
		return 0, fmt.Errorf("handshake answered with a wrong Sec-WebSocket-Accept")
	}
	if compressed != bytes.Contains(head, []byte("permessage-deflate")) {
		return 0, ErrNotCompressed
	}
	return end + 4, nil
}
