package pusher

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
)

// ChannelSignature returns the hexadecimal signature that lets a connection subscribe to a private or presence
// channel: HMAC-SHA256 under the app's secret of "socket_id:channel", or "socket_id:channel:channel_data" if there
// is channel_data, on private channels too. What a client sends as auth is "key:signature".
func ChannelSignature(secret string, id SocketID, channel, channelData []byte) string {
	return string(channelSignature(secret, id, channel, channelData))
}

// VerifyChannel reports whether auth, as the client sent it, signs this subscription. As in Reverb, the signature is
// what follows the first colon, or all of auth if there is none, and the key in front is not looked at: the secret
// decides. The comparison takes the same time wherever the difference is.
func VerifyChannel(secret string, auth []byte, id SocketID, channel, channelData []byte) bool {
	return hmac.Equal(authSignature(auth), channelSignature(secret, id, channel, channelData))
}

// NamesKey reports whether auth, as the client sent it, has the key in front of its signature, or no key at all.
func NamesKey(key string, auth []byte) bool {
	before, _, ok := bytes.Cut(auth, []byte{':'})
	return !ok || string(before) == key
}

func channelSignature(secret string, id SocketID, channel, channelData []byte) []byte {
	text := make([]byte, 0, 23+len(channel)+len(channelData))
	text = id.Append(text)
	text = append(text, ':')
	text = append(text, channel...)
	if len(channelData) > 0 {
		text = append(text, ':')
		text = append(text, channelData...)
	}
	return sign(secret, text)
}

// sign returns HMAC-SHA256 in lower-case hexadecimal, the form of all signatures of the protocol.
func sign(secret string, text []byte) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(text)
	sum := mac.Sum(make([]byte, 0, sha256.Size))
	return hex.AppendEncode(make([]byte, 0, 2*sha256.Size), sum)
}
