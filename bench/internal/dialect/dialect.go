package dialect

import (
	"strconv"

	"reverbd/bench/internal/msgid"
)

// Dialect encodes what clients and publishers send. One belongs to one goroutine, because it keeps scratch memory.
type Dialect interface {
	// AppendSubscribe appends a client's request to subscribe to a channel. socketID is what the server has called the
	// client.
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

// Names of what a run sends. They hold neither a id's mark nor anything that JSON or a URL escapes.
const (
	Published = "bench"        // event of publishers
	Whispered = "client-bench" // event of clients
)

// Messages is what the messages of a run look like.
type Messages struct {
	Prefix string // of the channels' names, such as "private-bench-"; their numbers follow
	Size   int    // of an event's data in bytes, at least MinSize
}

// MinSize is the least size in bytes of an event's data: that of a whisper, whose message id stands in an object, because
// Reverb takes nothing else from clients.
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

// appendWhisper appends the message of a client event, which is what its receivers get too.
func (m Messages) appendWhisper(dst []byte, channel int, s msgid.ID) []byte {
	dst = append(dst, `{"event":"`+Whispered+`","channel":"`...)
	dst = m.AppendChannel(dst, channel)
	dst = append(dst, `","data":`+whisperHead...)
	dst = s.AppendPadded(dst, m.Size-len(whisperHead)-len(whisperTail))
	return append(dst, whisperTail+`}`...)
}
