package ws

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
)

const (
	// acceptGUID is what a server joins to the client's key (RFC 6455 section 1.3).
	acceptGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
	// keySize is the size in bytes of a decoded Sec-WebSocket-Key.
	keySize = 16
	// version is the only protocol version there is.
	version = "13"
	// poweredBy is what Reverb adds to every answer to a handshake.
	poweredBy = "Laravel Reverb"
)

// HandshakeError is the HTTP answer to a handshake that failed. The connection is closed after it.
type HandshakeError struct {
	Status int
	Reason string // phrase of the status line, which is where Reverb puts its text; the body is empty
}

// Error implements error.
func (e *HandshakeError) Error() string {
	return fmt.Sprintf("ws: handshake: %d %s", e.Status, e.Reason)
}

// Header returns a new header with the fields that belong to the answer: Allow for 405; Upgrade, Connection and
// Sec-WebSocket-Version for 426; X-Powered-By always. A caller that wants `Connection: close` too adds it.
func (e *HandshakeError) Header() http.Header {
	h := http.Header{}
	h.Set("X-Powered-By", poweredBy)
	switch e.Status {
	case http.StatusMethodNotAllowed:
		h.Set("Allow", http.MethodGet)
	case http.StatusUpgradeRequired:
		h.Set("Upgrade", "websocket")
		h.Set("Connection", "Upgrade")
		h.Set("Sec-WebSocket-Version", version)
	}
	return h
}

// refusal is a HandshakeError with the standard phrase of its status.
func refusal(status int) *HandshakeError {
	return &HandshakeError{status, http.StatusText(status)}
}

// CheckUpgrade returns why r is not an opening handshake that can be accepted (RFC 6455 section 4.2.1), in Reverb's order
// and words; nil means that [AppendSwitchingProtocols] is the answer. Subprotocols and extensions are no reason to refuse it.
//
// [http.ReadRequest] moves the Host header to r.Host and fails itself on a second one, so a double Host is seen here
// only if r was made in another way; and a Host header that is empty counts as missing.
func CheckUpgrade(r *http.Request) *HandshakeError {
	switch {
	case r.Method != http.MethodGet:
		return refusal(http.StatusMethodNotAllowed)
	case !r.ProtoAtLeast(1, 1):
		return refusal(http.StatusHTTPVersionNotSupported)
	case r.Host == "" || len(r.Header.Values("Host")) > 1:
		return refusal(http.StatusBadRequest)
	case !IsUpgrade(r):
		return &HandshakeError{http.StatusUpgradeRequired, "Upgrade header MUST be provided"}
	case !hasToken(r.Header.Values("Connection"), "upgrade"):
		return &HandshakeError{http.StatusBadRequest, "Connection Upgrade MUST be requested"}
	case !validKey(r.Header.Values("Sec-WebSocket-Key")):
		return &HandshakeError{http.StatusBadRequest, "Invalid Sec-WebSocket-Key"}
	case !validVersion(r.Header.Values("Sec-WebSocket-Version")):
		return refusal(http.StatusUpgradeRequired)
	}
	return nil
}

// IsUpgrade reports whether r asks for the WebSocket protocol. Other upgrades (h2c, as Java's HttpClient and curl ask
// for by themselves) are no reason to treat a request as anything but HTTP.
func IsUpgrade(r *http.Request) bool {
	return hasToken(r.Header.Values("Upgrade"), "websocket")
}

// hasToken reports whether one of the comma-separated lists in values contains token, in any case
// (RFC 9110 section 5.6.1). token is ASCII.
func hasToken(values []string, token string) bool {
	for _, list := range values {
		for s := range strings.SplitSeq(list, ",") {
			s = strings.Trim(s, " \t")
			// The lengths keep out the letters beyond ASCII that fold to k and s.
			if len(s) == len(token) && strings.EqualFold(s, token) {
				return true
			}
		}
	}
	return false
}

func validKey(values []string) bool {
	if len(values) != 1 {
		return false
	}
	key, err := base64.StdEncoding.DecodeString(values[0])
	return err == nil && len(key) == keySize
}

func validVersion(values []string) bool {
	return len(values) == 1 && values[0] == version
}

// Accepted is what an answer to a handshake accepts of what the client offered.
type Accepted struct {
	Protocol string // the subprotocol: see [Subprotocol]; "" for none
	Deflate  bool   // compression, with [DeflateExtension]
}

// AppendSwitchingProtocols appends the whole answer to a handshake that [CheckUpgrade] accepted, with Reverb's headers
// in Reverb's order. key is the request's Sec-WebSocket-Key, as it was sent.
func AppendSwitchingProtocols(dst []byte, key string, accepted Accepted) []byte {
	dst = append(dst, "HTTP/1.1 101 Switching Protocols\r\n"+
		"Upgrade: websocket\r\n"+
		"Connection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: "...)
	dst = appendAccept(dst, key)
	if accepted.Protocol != "" {
		dst = append(dst, "\r\nSec-WebSocket-Protocol: "...)
		dst = append(dst, accepted.Protocol...)
	}
	if accepted.Deflate {
		dst = append(dst, "\r\nSec-WebSocket-Extensions: "+DeflateExtension...)
	}
	return append(dst, "\r\nX-Powered-By: "+poweredBy+"\r\n\r\n"...)
}

// pusherProtocol begins the name of every version of the Pusher protocol, a number behind it.
const pusherProtocol = "pusher-channels-protocol-"

// Subprotocol returns the first version of the Pusher protocol that the client offers, "" if it offers none. The Swift client
// offers one, and many WebSocket libraries refuse an answer that chooses nothing of what they have offered, although RFC 6455
// section 4.2.2 allows it.
func Subprotocol(h http.Header) string {
	for _, list := range h.Values("Sec-WebSocket-Protocol") {
		for s := range strings.SplitSeq(list, ",") {
			s = strings.Trim(s, " \t")
			if number, ok := strings.CutPrefix(s, pusherProtocol); ok && isNumber(number) {
				return s
			}
		}
	}
	return ""
}

// isNumber reports whether s is one to three digits.
func isNumber(s string) bool {
	return s != "" && len(s) <= 3 && strings.Trim(s, "0123456789") == ""
}

// appendAccept appends the proof that the server has read key (RFC 6455 section 4.2.2, which prescribes SHA-1).
func appendAccept(dst []byte, key string) []byte {
	const keyLen = 24 // of a valid key in base64
	var buf [keyLen + len(acceptGUID)]byte
	sum := sha1.Sum(append(append(buf[:0], key...), acceptGUID...))
	return base64.StdEncoding.AppendEncode(dst, sum[:])
}
