package pusher

import (
	"slices"
	"strconv"
	"strings"
)

// MaxParameters is how many parameters a query may have. Requests of the HTTP API have four to eight; PHP, and so
// Reverb, stops at 1000.
const MaxParameters = 128

// Query is the query of an HTTP API request as PHP's parse_str reads it, sorted by name, names unique. The handler
// must take its parameters from here: read with net/url, "info=a&info=b" says "a", while the signature covers "b".
type Query []parameter

type parameter struct {
	name   string
	value  string // unused in an array
	values *array // nil unless the name was written with brackets
}

// array holds the values of a[]=1&a[k]=2 in the order in which their keys first appeared.
type array struct {
	keys, values []string
	next         int // the key of the next a[]: one more than the greatest number used
}

// ParseQuery reads a query as it stands in the request line, without the question mark. Values are URL-decoded (what
// cannot be decoded stays), later ones win, spaces and dots in names become underscores, and what has no name is
// left out. ok is false if there are more than MaxParameters, or an array within an array, which Reverb answers with
// a 500. The values alias rawQuery where nothing was decoded.
func ParseQuery(rawQuery string) (q Query, ok bool) {
	n := min(strings.Count(rawQuery, "&")+1, MaxParameters)
	if q, ok = ParseQueryInto(make(Query, 0, n), rawQuery); !ok {
		return nil, false
	}
	return q, true
}

// ParseQueryInto is ParseQuery in the memory of dst, which is overwritten. It returns that memory, grown if need be, even if
// the query is refused.
func ParseQueryInto(dst Query, rawQuery string) (q Query, ok bool) {
	q = dst[:0]
	if strings.Count(rawQuery, "&") >= MaxParameters {
		return q, false
	}
	for more := true; more; {
		var pair string
		pair, rawQuery, more = strings.Cut(rawQuery, "&")
		if !q.add(pair) {
			return q[:0], false
		}
	}
	return q, true
}

// Get returns a parameter's value, "" if there is none. Arrays come joined with commas, as they are signed.
func (q Query) Get(name string) string {
	i, found := q.find(name)
	if !found {
		return ""
	}
	return q[i].text()
}

// add reads one name=value. It reports false for an array within an array.
func (q *Query) add(pair string) bool {
	name, value, _ := strings.Cut(pair, "=")
	var key string
	isArray := false
	if !plainName(name) {
		var ok bool
		if name, key, isArray, ok = splitName(urlDecode(name)); !ok {
			return false
		}
	}
	if name == "" {
		return true
	}
	value = urlDecode(value)
	last := len(*q) - 1
	if !isArray && (last < 0 || (*q)[last].name < name) { // clients send them sorted
		*q = append(*q, parameter{name: name, value: value})
		return true
	}
	i, found := q.find(name)
	if !found {
		*q = slices.Insert(*q, i, parameter{name: name})
	}
	p := &(*q)[i]
	if !isArray {
		p.value, p.values = value, nil
		return true
	}
	if p.values == nil {
		p.values = new(array)
	}
	p.values.set(key, value)
	return true
}

func (q Query) find(name string) (i int, found bool) {
	return slices.BinarySearchFunc(q, name, func(p parameter, name string) int { return strings.Compare(p.name, name) })
}

// plainName reports whether a name is as it was sent.
func plainName(s string) bool {
	for i := range len(s) {
		switch s[i] {
		case '+', '%', '[', '.', ' ':
			return false
		}
	}
	return true
}

// underscores makes a name into one that a PHP variable could have.
var underscores = strings.NewReplacer(" ", "_", ".", "_", "[", "_")

// splitName divides the decoded name of a parameter as PHP's php_register_variable_ex does: a[k] has the name a and
// the key k, what follows the bracket is dropped, and a bracket that is never closed belongs to the name. ok is
// false for a[k][l].
func splitName(s string) (name, key string, isArray, ok bool) {
	s = strings.TrimLeft(s, " ")
	name, rest, isArray := strings.Cut(s, "[")
	if !isArray || name == "" {
		return underscores.Replace(name), "", false, true
	}
	key, rest, closed := strings.Cut(rest, "]")
	if !closed {
		return underscores.Replace(s), "", false, true
	}
	return underscores.Replace(name), key, true, !strings.HasPrefix(rest, "[")
}

// set stores a value under a key; "" is the next free number.
func (a *array) set(key, value string) {
	if key == "" {
		key = strconv.Itoa(a.next)
	}
	if n, err := strconv.Atoi(key); err == nil && n >= a.next && strconv.Itoa(n) == key {
		a.next = n + 1
	}
	if i := slices.Index(a.keys, key); i >= 0 {
		a.values[i] = value
		return
	}
	a.keys = append(a.keys, key)
	a.values = append(a.values, value)
}

// text returns the value as it is signed.
func (p *parameter) text() string {
	if p.values == nil {
		return p.value
	}
	return strings.Join(p.values.values, ",")
}

// urlDecode is PHP's urldecode: a plus is a space, and a percent sign without two hexadecimal digits is itself.
func urlDecode(s string) string {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s
	}
	decoded := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '+' {
			c = ' '
		} else if c == '%' && i+2 < len(s) {
			if v, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				c = byte(v)
				i += 2
			}
		}
		decoded = append(decoded, c)
	}
	return string(decoded)
}
