// Package ws is the server's side of the WebSocket protocol, RFC 6455, as values and pure functions: it finds the
// messages in a client's bytes, builds the frames and close frames that go back, and checks the opening handshake.
//
// It knows no socket, no goroutine and no log. Bytes go in, and events, bytes or a [CloseError] come out, so
// everything here is tested without a connection. It stands on github.com/gobwas/ws, whose opcodes, status codes and
// unmasking it reuses; callers need not import that package.
//
// A server does, in this order:
//
//   - [CheckUpgrade] on the HTTP request, then [AppendSwitchingProtocols];
//   - [Reader.Next] on whatever arrives, until it is used up;
//   - [AppendFrame] or [Seal] for what it sends;
//   - [AppendCloseReply] when the client closes, [AppendClose] when the server does.
//
// The one extension (RFC 6455 section 9) is permessage-deflate (RFC 7692), for a client that [OffersDeflate]: then
// [AppendSwitchingDeflated], [Reader.NextDeflated] and [AppendDeflated] take the places of the above. Any other reserved bit is a
// protocol error.
package ws

import gobwas "github.com/gobwas/ws"

// OpCode says what a frame carries (RFC 6455 section 5.2).
type OpCode = gobwas.OpCode

// The opcodes of RFC 6455 section 11.8.
const (
	OpContinuation = gobwas.OpContinuation
	OpText         = gobwas.OpText
	OpBinary       = gobwas.OpBinary
	OpClose        = gobwas.OpClose
	OpPing         = gobwas.OpPing
	OpPong         = gobwas.OpPong
)

// StatusCode is the reason for closing, as a number (RFC 6455 section 7.4).
type StatusCode = gobwas.StatusCode

// The status codes of RFC 6455 section 7.4.1 that a server meets. Pusher's own are 4000-4999.
const (
	StatusNormalClosure           = gobwas.StatusNormalClosure           // 1000
	StatusGoingAway               = gobwas.StatusGoingAway               // 1001
	StatusProtocolError           = gobwas.StatusProtocolError           // 1002
	StatusUnsupportedData         = gobwas.StatusUnsupportedData         // 1003
	StatusNoStatusRcvd            = gobwas.StatusNoStatusRcvd            // 1005, never on the wire
	StatusAbnormalClosure         = gobwas.StatusAbnormalClosure         // 1006, never on the wire: there was no close frame
	StatusInvalidFramePayloadData = gobwas.StatusInvalidFramePayloadData // 1007
	StatusPolicyViolation         = gobwas.StatusPolicyViolation         // 1008
	StatusMessageTooBig           = gobwas.StatusMessageTooBig           // 1009
	StatusInternalServerError     = gobwas.StatusInternalServerError     // 1011
)
