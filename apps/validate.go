package apps

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"reverbd/protocol/pusher"
)

// bag is Laravel's message bag: what is wrong with a request, by field, in the order of the rules. English texts, as in
// laravel/framework lang/en/validation.php.
type bag []message

type message struct{ field, text string }

// maxMessages bounds a bag: a request of a few bytes for each item must not make an answer of many for each.
const maxMessages = 1000

func (b *bag) add(f field, format string) {
	if len(*b) == maxMessages {
		return
	}
	name := f.String()
	*b = append(*b, message{name, fmt.Sprintf(format, strings.ReplaceAll(name, "_", " "))})
}

// size checks that a string has at most limit bytes; 0 is no limit. value is the raw JSON.
func (b *bag) size(f field, value []byte, limit int) {
	if limit > 0 && len(value)-len(`""`) > limit {
		b.add(f, "The %s field must not be greater than "+strconv.Itoa(limit)+" bytes.")
	}
}

// items checks that an array has at most limit items; 0 is no limit. It reports whether there is room for one more behind n.
func (b *bag) items(f field, n, limit int) bool {
	if limit > 0 && n == limit {
		b.add(f, "The %s field must not have more than "+strconv.Itoa(limit)+" items.")
		return false
	}
	return true
}

// field is a field of a request. Its name is put together only when there is something wrong with it.
type field struct {
	name    string
	item    int // which event of a batch it belongs to; none if negative
	element int // which element of an array it is; none if negative
}

// top is a field of the request itself.
func top(name string) field { return field{name, -1, -1} }

// String is Laravel's name: channels.0, batch.0.name.
func (f field) String() string {
	name := f.name
	if f.item >= 0 {
		name = "batch." + strconv.Itoa(f.item) + "." + name
	}
	if f.element >= 0 {
		name += "." + strconv.Itoa(f.element)
	}
	return name
}

// The rules' texts; %s is the field.
const (
	required      = "The %s field is required."
	notString     = "The %s field must be a string."
	notArray      = "The %s field must be an array."
	invalidFormat = "The %s field format is invalid."
)

func (b bag) reply() reply {
	body := []byte{'{'}
	for i, e := range b {
		if i > 0 {
			body = append(body, ',')
		}
		body = pusher.AppendString(body, e.field)
		body = append(body, ":["...)
		body = pusher.AppendString(body, e.text)
		body = append(body, ']')
	}
	return reply{status: http.StatusUnprocessableEntity, body: append(body, '}')}
}

// fields is the raw JSON values of one event as a server sent it; nil where a field is absent.
type fields struct {
	name, data, channels, channel, socketID, info, once []byte
}

var (
	errNotJSON   = errors.New("the body is not JSON")
	errNotObject = errors.New("the body is not a JSON object")
)

// readFields reads the members of a JSON object; err says what it is if it is none.
func readFields(object []byte) (f fields, err error) {
	members, err := pusher.ObjectMembers(object)
	if err != nil {
		return f, wrongBody(object)
	}
	for key, value, more := members.Next(); more; key, value, more = members.Next() {
		switch string(key) {
		case "name":
			f.name = value
		case "data":
			f.data = value
		case "channels":
			f.channels = value
		case "channel":
			f.channel = value
		case "socket_id":
			f.socketID = value
		case "info":
			f.info = value
		case "idempotency_key":
			f.once = value
		}
	}
	if members.Err() != nil {
		return f, errNotJSON
	}
	return f, nil
}

func wrongBody(body []byte) error {
	if pusher.Valid(body) {
		return errNotObject
	}
	return errNotJSON
}

// parseEvent reads the body of POST events. err says that it is not JSON at all, the bag what is wrong with its fields.
func (c *call) parseEvent() (*event, bag, error) {
	f, err := readFields(c.body)
	if err != nil {
		return nil, nil, err
	}
	var b bag
	c.events = append(c.events, event{})
	e := &c.events[0]
	e.name = b.requiredString(top("name"), f.name)
	e.data = b.requiredString(top("data"), f.data)
	b.size(top("name"), e.name, c.app.Limits.EventName)
	b.size(top("data"), e.data, c.app.Limits.EventData)
	c.channels = b.channels(c.channels, f, c.app.Limits.ChannelsPerEvent)
	e.channels = c.channels
	e.take(&b, f, -1)
	c.key = c.onceKey(&b, f.once)
	return e, b, nil
}

// parseBatch reads the body of POST batch_events.
func (c *call) parseBatch() ([]event, bag, error) {
	members, err := pusher.ObjectMembers(c.body)
	if err != nil {
		return nil, nil, wrongBody(c.body)
	}
	var list, once []byte
	for key, value, more := members.Next(); more; key, value, more = members.Next() {
		switch string(key) {
		case "batch":
			list = value
		case "idempotency_key":
			once = value
		}
	}
	if members.Err() != nil {
		return nil, nil, errNotJSON
	}
	var b bag
	if blank(list) {
		b.add(top("batch"), required)
		return nil, b, nil
	}
	if list[0] != '[' {
		b.add(top("batch"), notArray)
		return nil, b, nil
	}
	items, err := pusher.ArrayElements(list)
	if err != nil {
		return nil, nil, errNotJSON
	}
	for item, more := items.Next(); more; item, more = items.Next() {
		if !b.items(top("batch"), len(c.events), c.app.Limits.EventsPerBatch) {
			return nil, b, nil
		}
		c.events = append(c.events, c.item(&b, item))
	}
	b.sortByRule()
	c.key = c.onceKey(&b, once)
	return c.events, b, nil
}

// sortByRule puts what is wrong with a batch into Laravel's order: the names of all items, then the data of all, and so on.
func (b bag) sortByRule() {
	rule := func(field string) int {
		return slices.Index([]string{"name", "data", "channel", "socket_id", "info"}, field[strings.LastIndexByte(field, '.')+1:])
	}
	slices.SortStableFunc(b, func(x, y message) int { return rule(x.field) - rule(y.field) })
}

// item reads the next event of a batch. An item that is no object lacks every field.
func (c *call) item(b *bag, object []byte) (e event) {
	item := len(c.events)
	f, _ := readFields(object)
	e.name = b.requiredString(field{"name", item, -1}, f.name)
	e.data = b.requiredString(field{"data", item, -1}, f.data)
	b.size(field{"name", item, -1}, e.name, c.app.Limits.EventName)
	b.size(field{"data", item, -1}, e.data, c.app.Limits.EventData)
	switch {
	case blank(f.channel):
		b.add(field{"channel", item, -1}, "The %s field is required when channels is not present.")
	case b.string(field{"channel", item, -1}, f.channel):
		first := len(c.channels)
		c.channels = b.named(c.channels, field{"channel", item, -1}, f.channel)
		e.channels = c.channels[first:len(c.channels):len(c.channels)]
	}
	e.take(b, f, item)
	return e
}

// take reads the fields that may be absent.
func (e *event) take(b *bag, f fields, item int) {
	if b.string(field{"socket_id", item, -1}, f.socketID) {
		e.except, _ = pusher.ParseSocketID(decode(f.socketID)) // an unknown id excludes no connection
	}
	if b.string(field{"info", item, -1}, f.info) {
		e.info, e.requested = parseAttributes(string(decode(f.info))), true
	}
}

// channels appends the channels to publish to; channels wins over channel.
func (b *bag) channels(list [][]byte, f fields, limit int) [][]byte {
	if blank(f.channels) && blank(f.channel) {
		b.add(top("channels"), "The %s field is required when channel is not present.")
		b.add(top("channel"), "The %s field is required when channels is not present.")
		return list
	}
	if f.channels == nil {
		if b.string(top("channel"), f.channel) {
			list = b.named(list, top("channel"), f.channel)
		}
		return list
	}
	elements, err := pusher.ArrayElements(f.channels)
	if err != nil {
		b.add(top("channels"), notArray)
	}
	for i := 0; err == nil; i++ {
		element, more := elements.Next()
		if !more || !b.items(top("channels"), i, limit) {
			break
		}
		if at := (field{"channels", -1, i}); b.string(at, element) {
			list = b.named(list, at, element)
		}
	}
	b.string(top("channel"), f.channel)
	return list
}

// named appends a channel, if a channel can have that name.
func (b *bag) named(list [][]byte, f field, token []byte) [][]byte {
	if !pusher.ValidName(decode(token)) {
		b.add(f, invalidFormat)
		return list
	}
	return append(list, token)
}

func (b *bag) requiredString(f field, value []byte) []byte {
	if blank(value) {
		b.add(f, required)
		return nil
	}
	if !b.string(f, value) {
		return nil
	}
	return value
}

// string checks a field that may be absent, and reports whether it is there as a string.
func (b *bag) string(f field, value []byte) bool {
	if value == nil {
		return false
	}
	if value[0] != '"' {
		b.add(f, notString)
		return false
	}
	return true
}

// blank is what Laravel's "required" does not take for a value: nothing, null, white space, an empty array.
func blank(value []byte) bool {
	switch {
	case value == nil || string(value) == "null":
		return true
	case value[0] == '"':
		return len(bytes.Trim(decode(value), " \t\n\r\x00\x0b")) == 0 // PHP's trim
	case value[0] == '[' || value[0] == '{':
		return len(bytes.TrimSpace(value[1:len(value)-1])) == 0
	}
	return false
}
