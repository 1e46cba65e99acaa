package redis

import (
	"encoding/json"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"reverbd/broadcast"
)

// controlMessage is a message encoded as JSON. Control messages are rare, so that being readable counts for more than
// bytes.
type controlMessage struct {
	Origin   string                 `json:"origin"`
	Node     string                 `json:"node,omitempty"`     // of hello and goodbye
	ID       uint64                 `json:"id,omitempty"`       // of a query and its replies
	Query    *broadcast.Query       `json:"question,omitempty"` //
	CaughtUp bool                   `json:"hears,omitempty"`    // of a reply: the node is subscribed to all channels that it wants
	Result   *broadcast.QueryResult `json:"facts,omitempty"`    //
}

func appendControl(k kind, c controlMessage) []byte {
	b, err := json.Marshal(c)
	if err != nil {
		panic("redis: encoding a control message: " + err.Error()) // it has no value that JSON cannot represent
	}
	return append(appendHeader(nil, k), b...)
}

func parseControl(m string) (c controlMessage, err error) {
	d := json.NewDecoder(strings.NewReader(m[len(magic)+1:]))
	if d.Decode(&c) != nil || c.Origin == "" {
		return controlMessage{}, errMessage
	}
	return c, nil
}

// handleControl handles a control message of another process.
func (s *session) handleControl(k kind, m *goredis.Message) error {
	if k != kindReply && len(m.Payload) > maxControlMessage {
		return errMessage
	}
	c, err := parseControl(m.Payload)
	if err != nil {
		return err
	}
	if c.Origin == s.bus.originName() {
		return nil
	}
	switch k {
	case kindQuery:
		s.reply(c)
	case kindReply:
		s.bus.queries.deliver(c)
	case kindHello:
		if originOf(c.Node) != c.Origin {
			return errMessage
		}
		s.bus.peers.add(c.Node)
		if m.Channel == s.names.control() { // the hello may have been sent before that node subscribed to the hello of this one
			s.work.Go(func() { _ = s.publishControl(s.names.replies(c.Origin), s.hello()) })
		}
	case kindGoodbye:
		s.bus.peers.remove(c.Node)
	}
	return nil
}

// maxControlMessage limits control messages but replies, in bytes: a query may name a hundred channels.
const maxControlMessage = 1 << 20
