package client

import (
	"bytes"
	"fmt"

	"reverbd/protocol/ws"
)

// unpacker decompresses messages. What a server compresses once for all who get it, it decompresses once: the load tester shares
// the processors with the server.
type unpacker struct{ packed, message []byte } // the last one

// unpack returns the message that payload was made from, until the next call.
func (u *unpacker) unpack(payload []byte) ([]byte, error) {
	if u.message != nil && bytes.Equal(payload, u.packed) {
		return u.message, nil
	}
	message, err := ws.Inflate(payload, maxFrame)
	if err != nil {
		return nil, fmt.Errorf("the server sent what cannot be decompressed: %s", err.Reason)
	}
	u.packed, u.message = append(u.packed[:0], payload...), message
	return message, nil
}
