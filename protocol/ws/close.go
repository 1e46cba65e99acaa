package ws

import (
	"encoding/binary"
	"fmt"
	"unicode/utf8"
)

// maxReason is the longest close reason in bytes: a control frame's payload less the code.
const maxReason = maxControl - 2

// CloseError is the close frame that a violation of the protocol deserves. Code and Reason go on the wire, with
// [AppendClose]. Functions here return it as a pointer, so compare it with nil before it becomes an error.
type CloseError struct {
	Code   StatusCode
	Reason string
}

// Error implements error.
func (e *CloseError) Error() string {
	return fmt.Sprintf("ws: close %d: %s", e.Code, e.Reason)
}

func violation(reason string) *CloseError {
	return &CloseError{StatusProtocolError, reason}
}

func tooBig() *CloseError {
	return &CloseError{StatusMessageTooBig, "Maximum message size exceeded"}
}

func notText() *CloseError {
	return &CloseError{StatusInvalidFramePayloadData, "Text is not UTF-8"}
}

// ParseClose reads the payload of a close frame (RFC 6455 section 5.5.1). An empty one is
// [StatusNoStatusRcvd], 1005, and no error. reason aliases payload.
//
// The error is 1002 for a payload of one byte and for a code that may not be on the wire, 1007 for a reason that is
// not UTF-8.
func ParseClose(payload []byte) (code StatusCode, reason []byte, err *CloseError) {
	switch len(payload) {
	case 0:
		return StatusNoStatusRcvd, nil, nil
	case 1:
		return 0, nil, violation("Close code cut short")
	}
	code, reason = StatusCode(binary.BigEndian.Uint16(payload)), payload[2:]
	if !onWire(code) {
		return 0, nil, violation("Invalid close code")
	}
	if !utf8.Valid(reason) {
		return 0, nil, &CloseError{StatusInvalidFramePayloadData, "Close reason is not UTF-8"}
	}
	return code, reason, nil
}

// onWire reports whether a client may send code (RFC 6455 section 7.4). The list is Reverb's: 1012 to 1015, which were
// registered later, are not in it.
func onWire(code StatusCode) bool {
	return code >= 1000 && code <= 1003 ||
		code >= 1007 && code <= 1011 ||
		code >= 3000 && code <= 4999
}

// AppendCloseReply appends the close frame that answers a client's, of which payload is the payload as a [Reader] found
// it: the same payload, 1000 if that is empty, or what [ParseClose] has to complain of.
func AppendCloseReply(dst, payload []byte) []byte {
	code, _, err := ParseClose(payload)
	switch {
	case err != nil:
		return AppendClose(dst, err.Code, err.Reason)
	case code == StatusNoStatusRcvd:
		return AppendClose(dst, StatusNormalClosure, "")
	}
	return AppendFrame(dst, OpClose, payload)
}

// AppendClose appends a close frame. A reason of more than 123 bytes is cut on a rune's border. code must be one that
// may be sent: not 1005, 1006 or 1015 (RFC 6455 section 7.4.1).
func AppendClose(dst []byte, code StatusCode, reason string) []byte {
	reason = cut(reason, maxReason)
	dst = AppendHeader(dst, OpClose, 2+len(reason))
	dst = binary.BigEndian.AppendUint16(dst, uint16(code))
	return append(dst, reason...)
}

// cut shortens s to n bytes or a few less, so that no rune is divided.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
