package redis

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	goredis "github.com/redis/go-redis/v9"

	"reverbd/broadcast"
)

// rosterChanges is a message of rosterScript: "before:version:", then for each change "length:user", "nodes:" and
// "length:data".
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

// fieldReader parses the fields that a script has concatenated.
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

// text reads a length and as many bytes.
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

// parseMember parses a value of the roster hash, "nodes:order:channel_data".
func parseMember(user, value string) (m broadcast.Member, offset uint64, err error) {
	p := fieldReader{rest: value}
	nodes, offset := p.number(), p.number()
	if p.bad || nodes == 0 || nodes > 1<<20 {
		return m, 0, errMessage
	}
	return broadcast.Member{Key: user, Data: []byte(p.rest), Nodes: int(nodes)}, offset, nil
}

// rosterReply is what rosterScript returns.
type rosterReply struct {
	version           uint64
	here              int64 // users of this node on the channel
	members           []broadcast.Member
	noJoins, noLeaves string // why Redis does not take them; "" if it does
}

func readRoster(c *goredis.Cmd) (r rosterReply, err error) {
	reply, err := c.Slice()
	if err != nil {
		return r, err
	}
	if len(reply) != 5 {
		return r, errMessage
	}
	text, _ := reply[0].(string)
	r.here, _ = reply[1].(int64)
	all, _ := reply[2].([]any)
	r.noJoins, _ = reply[3].(string)
	r.noLeaves, _ = reply[4].(string)
	if r.version, err = strconv.ParseUint(text, 10, 63); err != nil {
		return r, errMessage
	}
	r.members = sortMembers(all)
	return r, nil
}

// sortMembers reads the fields and values of a roster hash. Entries that no script has written are left out.
func sortMembers(all []any) []broadcast.Member {
	type placed struct {
		broadcast.Member
		offset uint64
	}
	var list []placed
	for n := 0; n+1 < len(all); n += 2 {
		user, _ := all[n].(string)
		value, _ := all[n+1].(string)
		if user == "" {
			continue // the version
		}
		if m, offset, err := parseMember(user, value); err == nil {
			list = append(list, placed{m, offset})
		}
	}
	slices.SortFunc(list, func(a, b placed) int {
		if a.offset < b.offset {
			return -1
		}
		return 1
	})
	members := make([]broadcast.Member, len(list))
	for n, p := range list {
		members[n] = p.Member
	}
	return members
}
