package client

import (
	"bytes"
	"fmt"

	"reverbd/protocol/ws"
)

// inflater decompresses messages. It decompresses a payload once that comes to several clients in a row, because the load tester
// shares the processors with the server.
type inflater struct{ compressed, message []byte } // the last one

// inflate returns the message that payload was made from, until the next call.
func (u *inflater) inflate(payload []byte) ([]byte, error) {
	if u.message != nil && bytes.Equal(payload, u.compressed) {
		return u.message, nil
	}
	message, err := ws.Inflate(payload, maxFrame)
	if err != nil {
		return nil, fmt.Errorf("the server sent what cannot be decompressed: %s", err.Reason)
	}
	u.compressed, u.message = append(u.compressed[:0], payload...), message
	return message, nil
}
