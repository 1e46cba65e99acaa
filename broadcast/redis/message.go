package redis

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"strconv"
	"strings"
	"unicode/utf8"

	"reverbd/broadcast"
	"reverbd/protocol/pusher"
)

// What the nodes send each other. Anybody may publish on our channels, so whatever comes is checked: it begins with magic and its kind,
// events have a checksum (a number that is believed although it is wrong would silence its process) and are UTF-8, a roster's version goes
// up by its changes, and lengths are believed only as far as there are bytes.
const magic = "rvb1"

// kind is what a message is about.
type kind byte

const (
	kindEvent     kind = 'e' // an event
	kindCached    kind = 'c' // an event of a cache channel, with its order behind it
	kindChanges   kind = 'p' // changes of a roster, made by rosterScript
	kindTerminate kind = 't'
	kindQuery     kind = 'q'
	kindReply     kind = 'a'
	kindHello     kind = 'h' // a node has come
	kindGoodbye   kind = 'b' // a node has gone
)

var errMessage = errors.New("redis: not a message of ours")

// orderDigits is how many digits cacheScript puts behind a message.
const offsetDigits = 20

// headSize is what stands in front of a sealed payload: magic, kind, origin, number, the connection left out, checksum.
const envelopeHeaderSize = len(magic) + 1 + 8 + 8 + 8 + 4

// sealed is a message with a number. Whoever sends one again, not knowing whether it arrived, gives it the same number.
type envelope struct {
	origin  uint64          // the process that sent it
	number  uint64          // of its messages; they are sent in this order
	except  pusher.SocketID // who is left out
	offset  uint64          // of a cached event; else 0
	payload []byte          // aliases the message
}

// appendSealed appends a message without order.
func appendEnvelope(dst []byte, k kind, e envelope) []byte {
	start := len(dst)
	dst = appendHeader(dst, k)
	dst = binary.BigEndian.AppendUint64(dst, e.origin)
	dst = binary.BigEndian.AppendUint64(dst, e.number)
	dst = binary.BigEndian.AppendUint64(dst, uint64(e.except))
	dst = binary.BigEndian.AppendUint32(dst, checksum(dst[start:], e.payload))
	return append(dst, e.payload...)
}

// checksum is that of all behind the kind, which changes where an event cannot be kept.
func checksum(head, payload []byte) uint32 {
	return crc32.Update(crc32.Checksum(head[len(magic)+1:], castagnoli), castagnoli, payload)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// parseSealed is the inverse of appendSealed; ordered says that an order follows.
func parseEnvelope(m string, ordered bool) (e envelope, err error) {
	b := []byte(m)
	if ordered {
		cut := len(b) - offsetDigits
		if cut < envelopeHeaderSize {
			return e, errMessage
		}
		if e.offset, err = strconv.ParseUint(string(b[cut:]), 10, 63); err != nil || e.offset == 0 {
			return e, errMessage
		}
		b = b[:cut]
	}
	if len(b) < envelopeHeaderSize {
		return e, errMessage
	}
	h := b[len(magic)+1:]
	e.origin, e.number = binary.BigEndian.Uint64(h), binary.BigEndian.Uint64(h[8:])
	e.except = pusher.SocketID(binary.BigEndian.Uint64(h[16:]))
	e.payload = b[envelopeHeaderSize:]
	if binary.BigEndian.Uint32(h[24:]) != checksum(b[:envelopeHeaderSize-4], e.payload) || !utf8.Valid(e.payload) {
		return e, errMessage
	}
	return e, nil
}

func appendHeader(dst []byte, k kind) []byte {
	dst = append(dst, magic...)
	return append(dst, byte(k))
}

// kindOf returns 0 for what is no message of ours.
func kindOf(m string) kind {
	if len(m) <= len(magic) || !strings.HasPrefix(m, magic) {
		return 0
	}
	return kind(m[len(magic)])
}

// changes is a message of rosterScript: "before:version:", then for each change "length:user", "nodes:" and "length:data".
type rosterChanges struct {
	before, version uint64
	list            []broadcast.Change
}

func parseChanges(m string) (c rosterChanges, err error) {
	p := fieldReader{rest: m[len(magic)+1:]}
	c.before, c.version = p.number(), p.number()
	for !p.bad && p.rest != "" {
		change := broadcast.Change{Key: p.text()}
		nodes := p.number()
		change.Nodes, change.Data = int(nodes), []byte(p.text())
		if nodes > 1<<20 || change.Key == "" || !utf8.ValidString(change.Key) || !utf8.Valid(change.Data) {
			p.bad = true
		}
		c.list = append(c.list, change)
	}
	if p.bad || len(c.list) == 0 || c.version-c.before != uint64(len(c.list)) {
		return rosterChanges{}, errMessage
	}
	return c, nil
}

// fields reads what a script has put together.
type fieldReader struct {
	rest string
	bad  bool
}

// number reads digits up to a colon.
func (p *fieldReader) number() uint64 {
	digits, rest, found := strings.Cut(p.rest, ":")
	n, err := strconv.ParseUint(digits, 10, 63)
	if !found || err != nil {
		p.bad, p.rest = true, ""
		return 0
	}
	p.rest = rest
	return n
}

// text reads a length and so many bytes.
func (p *fieldReader) text() string {
	n := p.number()
	if n > uint64(len(p.rest)) {
		p.bad, p.rest = true, ""
		return ""
	}
	text := p.rest[:n]
	p.rest = p.rest[n:]
	return text
}

// parseMember reads a roster's value, "nodes:order:channel_data".
func parseMember(user, value string) (m broadcast.Member, offset uint64, err error) {
	p := fieldReader{rest: value}
	nodes, offset := p.number(), p.number()
	if p.bad || nodes == 0 || nodes > 1<<20 {
		return m, 0, errMessage
	}
	return broadcast.Member{Key: user, Data: []byte(p.rest), Nodes: int(nodes)}, offset, nil
}

// letter is a message that is JSON: it is rare, so that clarity counts for more than bytes.
type controlMessage struct {
	Origin   string                 `json:"origin"`
	Node     string                 `json:"node,omitempty"`     // hello, goodbye
	ID       uint64                 `json:"id,omitempty"`       // of a question
	Query    *broadcast.Query       `json:"question,omitempty"` //
	CaughtUp bool                   `json:"hears,omitempty"`    // an answer: the node hears everything that it wants
	Result   *broadcast.QueryResult `json:"facts,omitempty"`    //
}

func appendControl(k kind, c controlMessage) []byte {
	b, err := json.Marshal(c)
	if err != nil {
		panic("redis: a letter that cannot be written: " + err.Error()) // it has nothing in it that JSON lacks
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

// terminate is the payload of kindTerminate.
func appendTerminate(app, user string) []byte {
	return append(append([]byte(app), 0), user...)
}

func parseTerminate(payload []byte) (app, user string, err error) {
	a, u, found := bytes.Cut(payload, []byte{0})
	if !found {
		return "", "", errMessage
	}
	return string(a), string(u), nil
}
