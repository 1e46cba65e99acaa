package dialect

import (
	"strconv"

	"reverbd/bench/internal/msgid"
)

// Dialect encodes what clients and publishers send. It is not safe for concurrent use, because it has scratch memory.
type Dialect interface {
	// AppendSubscribe appends a client's request to subscribe to a channel. socketID is that of connection_established.
	AppendSubscribe(dst, socketID []byte, channel int) []byte

	// AppendWhisper appends a client event.
	AppendWhisper(dst []byte, channel int, s msgid.ID) []byte

	// AppendPublish appends one HTTP request that publishes the events, at least one.
	AppendPublish(dst []byte, events []Event) []byte
}

// Event is an event to publish.
type Event struct {
	Channel int
	ID      msgid.ID
}

// Names of the events of a run. They contain neither the mark of a message id nor anything that JSON or a URL escapes.
const (
	Published = "bench"        // published through the HTTP API
	Whispered = "client-bench" // client event
)

// Messages are the channel names and the data size of a run.
type Messages struct {
	Prefix string // of channel names, such as "private-bench-"; the channel's number follows
	Size   int    // of an event's data in bytes, at least MinSize
}

// MinSize is the least size in bytes of an event's data: that of a whisper, whose message id is in a JSON object, because Reverb
// accepts nothing else from clients.
const MinSize = len(whisperHead) + msgid.Size + len(whisperTail)

const (
	whisperHead = `{"m":"`
	whisperTail = `"}`
)

// AppendChannel appends the name of a channel.
func (m Messages) AppendChannel(dst []byte, channel int) []byte {
	return strconv.AppendInt(append(dst, m.Prefix...), int64(channel), 10)
}

// AppendData appends the data of a published event.
func (m Messages) AppendData(dst []byte, s msgid.ID) []byte { return s.AppendPadded(dst, m.Size) }

// appendWhisper appends the message of a client event. Its receivers get the same bytes.
func (m Messages) appendWhisper(dst []byte, channel int, s msgid.ID) []byte {
	dst = append(dst, `{"event":"`+Whispered+`","channel":"`...)
	dst = m.AppendChannel(dst, channel)
	dst = append(dst, `","data":`+whisperHead...)
	dst = s.AppendPadded(dst, m.Size-len(whisperHead)-len(whisperTail))
	return append(dst, whisperTail+`}`...)
}
