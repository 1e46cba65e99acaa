package pusher

// Members reads the members of a JSON object one after the other, and validates the text on the way: it is read
// once. Until Next has returned false and Err has returned nil, use nothing of what Next gave.
//
//	members, err := ObjectMembers(text)
//	for key, value, ok := members.Next(); ok; key, value, ok = members.Next() {
//		switch string(key) { ... }
//	}
//	err = members.Err()
//
// A key that occurs twice is given twice: by keeping the last one a caller does what PHP and encoding/json do.
type Members struct {
	container container
	decoded   []byte // memory for keys written with escapes
}

// ObjectMembers starts reading the JSON object p. It returns ErrNotObject if p holds another kind of value.
func ObjectMembers(p []byte) (Members, error) {
	i := skipSpace(p, 0)
	if i == len(p) || p[i] != '{' {
		return Members{}, ErrNotObject
	}
	return Members{container: openContainer(p, i, MaxDepth)}, nil
}

// Next returns the next member: its key decoded, its value as it was sent, without the space around it. Both alias
// the text, which is never written to; a key written with escapes is decoded into memory that the following Next
// uses again. ok is false at the end and at the first error.
func (m *Members) Next() (key, value []byte, ok bool) {
	if !m.container.next() {
		return nil, nil, false
	}
	token := m.container.key()
	value = m.container.value()
	if m.container.at == malformed {
		return nil, nil, false
	}
	if key = contents(token); hasEscape(key) {
		m.decoded = AppendUnquoted(m.decoded[:0], token)
		key = m.decoded
	}
	return key, value, true
}

// Err returns nil if the object was read to its end, is well formed, and nothing but white space follows;
// ErrInvalidJSON otherwise.
func (m *Members) Err() error { return m.container.err() }

// Elements reads the elements of a JSON array, under the same rules as Members.
type Elements struct{ container container }

// ArrayElements starts reading the JSON array p. It returns ErrNotArray if p holds another kind of value.
func ArrayElements(p []byte) (Elements, error) {
	i := skipSpace(p, 0)
	if i == len(p) || p[i] != '[' {
		return Elements{}, ErrNotArray
	}
	return Elements{openContainer(p, i, MaxDepth)}, nil
}

// Next returns the next element as it was sent. It aliases the text. ok is false at the end and at the first error.
func (e *Elements) Next() (value []byte, ok bool) {
	if !e.container.next() {
		return nil, false
	}
	value = e.container.value()
	return value, e.container.at != malformed
}

// Err is as Members.Err.
func (e *Elements) Err() error { return e.container.err() }

// container walks the items of one array or object: next, then (in an object) key, then value.
// It is the only place that knows where commas and brackets belong.
type container struct {
	text   []byte
	at     int  // the first byte not read yet, or malformed
	depth  int  // levels that may still be opened inside
	close  byte // ']' or '}'
	begun  bool // an item was read, so that a comma must come before another
	closed bool // the closing bracket was read
}

// openContainer starts at the bracket p[i]. depth is how many levels may be opened, this one included.
func openContainer(p []byte, i, depth int) container {
	if depth == 0 {
		return container{at: malformed}
	}
	return container{text: p, at: i + 1, depth: depth - 1, close: p[i] + 2} // '[' + 2 is ']', and so with braces
}

// next moves to the next item and reports whether there is one to be read.
func (c *container) next() bool {
	if c.closed || c.at == malformed {
		return false
	}
	i := skipSpace(c.text, c.at)
	switch {
	case i < len(c.text) && c.text[i] == c.close:
		c.at, c.closed = i+1, true
		return false
	case !c.begun:
		c.at, c.begun = i, true
	case i < len(c.text) && c.text[i] == ',':
		c.at = skipSpace(c.text, i+1)
	default:
		c.at = malformed
	}
	return c.at != malformed
}

// key reads a member's name and the colon behind it, and returns the string token.
func (c *container) key() (token []byte) {
	start := c.at
	end := scanString(c.text, start)
	if end == malformed {
		c.at = malformed
		return nil
	}
	colon := skipSpace(c.text, end)
	if colon == len(c.text) || c.text[colon] != ':' {
		c.at = malformed
		return nil
	}
	c.at = skipSpace(c.text, colon+1)
	return c.text[start:end]
}

// value reads one value and returns its token.
func (c *container) value() (token []byte) {
	start := c.at
	c.at = scanValue(c.text, start, c.depth)
	if c.at == malformed {
		return nil
	}
	return c.text[start:c.at:c.at]
}

func (c *container) err() error {
	if c.closed && skipSpace(c.text, c.at) == len(c.text) {
		return nil
	}
	return ErrInvalidJSON
}
