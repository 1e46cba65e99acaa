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
	kindQuestion  kind = 'q'
	kindAnswer    kind = 'a'
	kindHello     kind = 'h' // a node has come
	kindGoodbye   kind = 'b' // a node has gone
)

var errMessage = errors.New("redis: not a message of ours")

// orderDigits is how many digits cacheScript puts behind a message.
const orderDigits = 20

// headSize is what stands in front of a sealed payload: magic, kind, origin, number, the connection left out, checksum.
const headSize = len(magic) + 1 + 8 + 8 + 8 + 4

// sealed is a message with a number. Whoever sends one again, not knowing whether it arrived, gives it the same number.
type sealed struct {
	origin  uint64          // the process that sent it
	number  uint64          // of its messages; they are sent in this order
	except  pusher.SocketID // who is left out
	order   uint64          // of a cached event; else 0
	payload []byte          // aliases the message
}

// appendSealed appends a message without order.
func appendSealed(dst []byte, k kind, s sealed) []byte {
	start := len(dst)
	dst = appendHead(dst, k)
	dst = binary.BigEndian.AppendUint64(dst, s.origin)
	dst = binary.BigEndian.AppendUint64(dst, s.number)
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.except))
	dst = binary.BigEndian.AppendUint32(dst, checksum(dst[start:], s.payload))
	return append(dst, s.payload...)
}

// checksum is that of all behind the kind, which changes where an event cannot be kept.
func checksum(head, payload []byte) uint32 {
	return crc32.Update(crc32.Checksum(head[len(magic)+1:], castagnoli), castagnoli, payload)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// parseSealed is the inverse of appendSealed; ordered says that an order follows.
func parseSealed(m string, ordered bool) (s sealed, err error) {
	b := []byte(m)
	if ordered {
		cut := len(b) - orderDigits
		if cut < headSize {
			return s, errMessage
		}
		if s.order, err = strconv.ParseUint(string(b[cut:]), 10, 63); err != nil || s.order == 0 {
			return s, errMessage
		}
		b = b[:cut]
	}
	if len(b) < headSize {
		return s, errMessage
	}
	h := b[len(magic)+1:]
	s.origin, s.number = binary.BigEndian.Uint64(h), binary.BigEndian.Uint64(h[8:])
	s.except = pusher.SocketID(binary.BigEndian.Uint64(h[16:]))
	s.payload = b[headSize:]
	if binary.BigEndian.Uint32(h[24:]) != checksum(b[:headSize-4], s.payload) || !utf8.Valid(s.payload) {
		return s, errMessage
	}
	return s, nil
}

func appendHead(dst []byte, k kind) []byte {
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
type changes struct {
	before, version uint64
	list            []broadcast.Change
}

func parseChanges(m string) (c changes, err error) {
	p := fields{rest: m[len(magic)+1:]}
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
		return changes{}, errMessage
	}
	return c, nil
}

// fields reads what a script has put together.
type fields struct {
	rest string
	bad  bool
}

// number reads digits up to a colon.
func (p *fields) number() uint64 {
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
func (p *fields) text() string {
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
func parseMember(user, value string) (m broadcast.Member, order uint64, err error) {
	p := fields{rest: value}
	nodes, order := p.number(), p.number()
	if p.bad || nodes == 0 || nodes > 1<<20 {
		return m, 0, errMessage
	}
	return broadcast.Member{Key: user, Data: []byte(p.rest), Nodes: int(nodes)}, order, nil
}

// letter is a message that is JSON: it is rare, so that clarity counts for more than bytes.
type letter struct {
	Origin   string                 `json:"origin"`
	Node     string                 `json:"node,omitempty"`     // hello, goodbye
	ID       uint64                 `json:"id,omitempty"`       // of a question
	Question *broadcast.Query       `json:"question,omitempty"` //
	Hears    bool                   `json:"hears,omitempty"`    // an answer: the node hears everything that it wants
	Facts    *broadcast.QueryResult `json:"facts,omitempty"`    //
}

func appendLetter(k kind, l letter) []byte {
	b, err := json.Marshal(l)
	if err != nil {
		panic("redis: a letter that cannot be written: " + err.Error()) // it has nothing in it that JSON lacks
	}
	return append(appendHead(nil, k), b...)
}

func parseLetter(m string) (l letter, err error) {
	d := json.NewDecoder(strings.NewReader(m[len(magic)+1:]))
	if d.Decode(&l) != nil || l.Origin == "" {
		return letter{}, errMessage
	}
	return l, nil
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
