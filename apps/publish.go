package apps

import (
	"errors"
	"net/http"

	"go.uber.org/zap"

	"reverbd/broadcast"
	"reverbd/protocol/pusher"
)

// event is one event that a server publishes. name, data and channels are the raw JSON strings of the request: they are copied
// into the frame as they are.
type event struct {
	name, data []byte
	channels   [][]byte
	except     pusher.SocketID
	info       attributes
	requested  bool // info was given
}

// The answers to publishers that did not ask for info.
var (
	published      = always("{}")
	batchPublished = always(`{"batch":{}}`)
)

// publish is POST /apps/{id}/events.
func publish(c *call) reply {
	e, bag, err := c.parseEvent()
	if err != nil {
		return badBody(err)
	}
	if len(bag) > 0 {
		return bag.reply()
	}
	if c.key != "" {
		return c.once(c.key, func() reply { return c.publishEvent(e) })
	}
	return c.publishEvent(e)
}

// publishEvent delivers an event that has been checked.
func (c *call) publishEvent(e *event) reply {
	if refusal, limited := c.limited(1); limited {
		return refusal
	}
	c.add(e)
	if err := c.publish(); err != nil {
		return c.failed(err)
	}
	if !e.requested {
		return published
	}
	body := append([]byte(nil), `{"channels":{`...)
	for i, described := range c.describe(e.channels) {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, e.channels[i]...)
		body = append(body, ':')
		body = appendInfo(body, described, e.info)
	}
	return ok(append(body, "}}"...))
}

// describe queries all channels, given as raw JSON strings, at once: each query may wait for other nodes.
func (c *call) describe(channels [][]byte) []broadcast.Channel {
	names := make([]string, len(channels))
	for i, ch := range channels {
		names[i] = string(decode(ch))
	}
	return c.app.Channels.Describe(names...)
}

// publishBatch is POST /apps/{id}/batch_events. All items are delivered, or none: they are checked before the first is.
func publishBatch(c *call) reply {
	batch, bag, err := c.parseBatch()
	if err != nil {
		return badBody(err)
	}
	if len(bag) > 0 {
		return bag.reply()
	}
	if c.key != "" {
		return c.once(c.key, func() reply { return c.publishEvents(batch) })
	}
	return c.publishEvents(batch)
}

// publishEvents delivers a batch that has been checked.
func (c *call) publishEvents(batch []event) reply {
	if refusal, limited := c.limited(len(batch)); limited {
		return refusal
	}
	var requested [][]byte
	for i := range batch {
		if batch[i].requested {
			requested = append(requested, batch[i].channels[0])
		}
		c.add(&batch[i])
	}
	if err := c.publish(); err != nil {
		return c.failed(err)
	}
	if len(requested) == 0 {
		return batchPublished
	}
	described := c.describe(requested)
	body := append([]byte(nil), `{"batch":[`...)
	for i := range batch {
		if i > 0 {
			body = append(body, ',')
		}
		if !batch[i].requested {
			body = append(body, "{}"...)
			continue
		}
		body = appendInfo(body, described[0], batch[i].info)
		described = described[1:]
	}
	return ok(append(body, "]}"...))
}

// add makes e one event for each of its channels.
func (c *call) add(e *event) {
	for _, ch := range e.channels {
		if c.unheard(e, ch) {
			continue
		}
		b := broadcast.TextBuffer(len(e.name) + len(e.data) + len(ch))
		f := broadcast.SealText(pusher.AppendEvent(b, e.name, e.data, ch))
		c.publications = append(c.publications, broadcast.Publication{Channel: decode(ch), Frame: f, Except: e.except})
	}
}

// publish delivers what was added, all of it or nothing.
func (c *call) publish() error {
	if t := c.api.Trace; t != nil {
		for i := range c.publications {
			t.Message("Broadcasting To", string(c.publications[i].Channel), c.publications[i].Frame.Payload())
		}
	}
	err := c.app.Channels.PublishAll(c.loop, c.publications)
	if err == nil {
		c.observePublished()
	}
	return err
}

// unheard reports that an event need not be encoded for a channel, because nobody gets it. To ask costs as much as encoding a small
// event for a single channel.
func (c *call) unheard(e *event, channel []byte) bool {
	const small = 1024 // bytes
	return c.api.Trace == nil && (len(e.channels) > 1 || len(e.data) > small) && !c.app.Channels.Reaches(decode(channel))
}

// failed returns the reply to a publish that could not be carried out.
func (c *call) failed(err error) reply {
	if errors.Is(err, broadcast.ErrOverloaded) {
		return overloaded()
	}
	if c.api.Log != nil {
		c.api.Log.Error("publish failed", zap.String("app", c.app.ID), zap.Error(err))
	}
	return text(http.StatusInternalServerError, "Internal server error.")
}

func badBody(err error) reply { return jsonError(http.StatusBadRequest, err.Error()) }

func jsonError(status int, message string) reply {
	body := append([]byte(nil), `{"error":`...)
	body = pusher.AppendString(body, message)
	return reply{status: status, body: append(body, '}')}
}

// decode returns the text of a raw JSON string, without a copy where it has no escapes.
func decode(token []byte) []byte {
	for _, b := range token {
		if b == '\\' {
			return pusher.AppendUnquoted(nil, token)
		}
	}
	return token[1 : len(token)-1]
}
