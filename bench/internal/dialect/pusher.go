package dialect

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"

	"reverbd/bench/internal/msgid"
	"reverbd/protocol/pusher"
	"reverbd/protocol/ws"
)

// Pusher is the Dialect of every Pusher server.
type Pusher struct {
	target   Target
	messages Messages
	channels hash.Hash // HMAC with the secret, for subscriptions
	requests *signer
	scratch  []byte // a message, before it is framed
	name     []byte // of a channel
	sum      [sha256.Size]byte
}

// NewPusher returns the dialect for one goroutine.
func NewPusher(t Target, m Messages) *Pusher {
	return &Pusher{
		target: t, messages: m,
		channels: hmac.New(sha256.New, []byte(t.Secret)),
		requests: newSigner(t),
	}
}

// AppendSubscribe implements Dialect.
func (p *Pusher) AppendSubscribe(dst, socketID []byte, channel int) []byte {
	p.name = p.messages.AppendChannel(p.name[:0], channel)
	text := p.scratch[:0]
	text = append(text, `{"event":"pusher:subscribe","data":{"channel":"`...)
	text = append(text, p.name...)
	if pusher.KindOf(p.name).NeedsAuth() {
		text = append(text, `","auth":"`...)
		text = p.appendAuth(text, socketID, nil)
	}
	text = append(text, `"}}`...)
	p.scratch = text
	return AppendFrame(dst, ws.OpText, p.scratch)
}

// appendAuth appends the signature of a subscription to the channel p.name. Unlike pusher.ChannelSignature it takes socket ids of
// any form: those of other servers have longer numbers than Reverb's.
func (p *Pusher) appendAuth(dst, socketID, channelData []byte) []byte {
	p.channels.Reset()
	p.channels.Write(socketID)
	p.channels.Write([]byte{':'})
	p.channels.Write(p.name)
	if len(channelData) > 0 {
		p.channels.Write([]byte{':'})
		p.channels.Write(channelData)
	}
	dst = append(dst, p.target.Key...)
	dst = append(dst, ':')
	return hex.AppendEncode(dst, p.channels.Sum(p.sum[:0]))
}

// AppendWhisper implements Dialect.
func (p *Pusher) AppendWhisper(dst []byte, channel int, s msgid.ID) []byte {
	p.scratch = p.messages.appendWhisper(p.scratch[:0], channel, s)
	return AppendFrame(dst, ws.OpText, p.scratch)
}

// AppendPublish implements Dialect: a request to /events for one event, to /batch_events for more.
func (p *Pusher) AppendPublish(dst []byte, events []Event) []byte {
	if len(events) == 1 {
		p.scratch = p.appendEvent(p.scratch[:0], events[0])
		return p.requests.append(dst, "/events", p.scratch)
	}
	body := p.scratch[:0]
	body = append(body, `{"batch":[`...)
	for i, e := range events {
		if i > 0 {
			body = append(body, ',')
		}
		body = p.appendEvent(body, e)
	}
	body = append(body, `]}`...)
	p.scratch = body
	return p.requests.append(dst, "/batch_events", p.scratch)
}

func (p *Pusher) appendEvent(dst []byte, e Event) []byte {
	dst = append(dst, `{"name":"`+Published+`","channel":"`...)
	dst = p.messages.AppendChannel(dst, e.Channel)
	dst = append(dst, `","data":"`...)
	dst = p.messages.AppendData(dst, e.ID)
	return append(dst, `"}`...)
}
