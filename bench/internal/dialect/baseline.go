package dialect

import (
	"bytes"

	"reverbd/bench/internal/baseline"
	"reverbd/bench/internal/msgid"
	"reverbd/protocol/pusher"
	"reverbd/protocol/ws"
)

// Baseline is the Dialect of the baseline. Its messages are as long as those of the Pusher dialect, and carry the bytes that a Pusher
// server would write for them.
type Baseline struct {
	messages Messages
	pusher   *Pusher
	frame    []byte      // scratch
	text     []byte      // scratch
	lengths  map[int]int // of Pusher requests in bytes, by the number of their events
}

// NewBaseline returns the dialect for one goroutine. target is the server that the baseline replaces.
func NewBaseline(target Target, m Messages) *Baseline {
	return &Baseline{messages: m, pusher: NewPusher(target, m), lengths: map[int]int{}}
}

// AppendSubscribe implements Dialect.
func (f *Baseline) AppendSubscribe(dst, socketID []byte, channel int) []byte {
	size := len(f.pusher.AppendSubscribe(nil, socketID, channel))
	name := f.messages.AppendChannel(nil, channel)
	f.setFrame(pusher.AppendSubscriptionSucceeded(f.text[:0], name))
	start := len(dst)
	dst = baseline.AppendHeader(dst, baseline.Subscribe, 1)
	dst = baseline.AppendItem(dst, channel, f.frame)
	return baseline.Finish(dst, start, size)
}

// AppendWhisper implements Dialect.
func (f *Baseline) AppendWhisper(dst []byte, channel int, s msgid.ID) []byte {
	f.setFrame(f.messages.appendWhisper(f.text[:0], channel, s))
	start := len(dst)
	dst = baseline.AppendHeader(dst, baseline.Whisper, 1)
	dst = baseline.AppendItem(dst, channel, f.frame)
	return baseline.Finish(dst, start, 0) // about 12 bytes longer than a client's frame
}

// AppendPublish implements Dialect.
func (f *Baseline) AppendPublish(dst []byte, events []Event) []byte {
	start := len(dst)
	dst = baseline.AppendHeader(dst, baseline.Publish, len(events))
	for _, e := range events {
		f.setFrame(f.appendEvent(f.text[:0], e))
		dst = baseline.AppendItem(dst, e.Channel, f.frame)
	}
	return baseline.Finish(dst, start, f.length(events))
}

// setFrame sets f.frame to a server's frame with text, which may alias f.text.
func (f *Baseline) setFrame(text []byte) {
	f.text = text
	f.frame = ws.AppendFrame(f.frame[:0], ws.OpText, text)
}

func (f *Baseline) appendEvent(dst []byte, e Event) []byte {
	dst = append(dst, `{"event":"`+Published+`","data":"`...)
	dst = f.messages.AppendData(dst, e.ID)
	dst = append(dst, `","channel":"`...)
	dst = f.messages.AppendChannel(dst, e.Channel)
	return append(dst, `"}`...)
}

// length returns the length of the Pusher request for these events. It is computed once for each number of events, so that the
// baseline's publisher does not sign.
func (f *Baseline) length(events []Event) int {
	n, known := f.lengths[len(events)]
	if !known {
		n = len(f.pusher.AppendPublish(nil, events))
		f.lengths[len(events)] = n
	}
	return n
}

// Replies returns the answers of a Pusher server to a handshake, connection_established included, and to a publish.
func Replies() baseline.Replies {
	var hello bytes.Buffer
	hello.Write(ws.AppendSwitchingProtocols(nil, WebSocketKey, ws.Accepted{}))
	const anyID, idle = pusher.SocketID(123456789<<32 | 987654321), 30
	hello.Write(ws.AppendFrame(nil, ws.OpText, pusher.AppendConnectionEstablished(nil, anyID, idle)))
	return baseline.Replies{
		Upgrade: hello.Bytes(),
		Publish: []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"),
	}
}
