package dialect

import (
	"strconv"

	"reverbd/protocol/ws"
)

// Room encodes the requests of the members of a presence channel. Only the Pusher dialect implements it.
type Room interface {
	// AppendJoin appends the request to subscribe to a presence channel as a user. userID needs no escaping.
	AppendJoin(dst, socketID []byte, channel int, userID []byte) []byte

	// AppendLeave appends the request to unsubscribe from a channel.
	AppendLeave(dst []byte, channel int) []byte
}

// AppendJoin implements Room.
func (p *Pusher) AppendJoin(dst, socketID []byte, channel int, userID []byte) []byte {
	p.name = p.messages.AppendChannel(p.name[:0], channel)
	data := append([]byte(`{"user_id":"`), userID...)
	data = append(data, `"}`...)
	text := p.scratch[:0]
	text = append(text, `{"event":"pusher:subscribe","data":{"channel":"`...)
	text = append(text, p.name...)
	text = append(text, `","auth":"`...)
	text = p.appendAuth(text, socketID, data)
	text = append(text, `","channel_data":`...)
	text = strconv.AppendQuote(text, string(data)) // Go's quoting equals JSON's for this text
	text = append(text, `}}`...)
	p.scratch = text
	return AppendFrame(dst, ws.OpText, p.scratch)
}

// AppendLeave implements Room.
func (p *Pusher) AppendLeave(dst []byte, channel int) []byte {
	text := p.scratch[:0]
	text = append(text, `{"event":"pusher:unsubscribe","data":{"channel":"`...)
	text = p.messages.AppendChannel(text, channel)
	text = append(text, `"}}`...)
	p.scratch = text
	return AppendFrame(dst, ws.OpText, p.scratch)
}
