package redis

import (
	"encoding/json"

	goredis "github.com/redis/go-redis/v9"

	"reverbd/broadcast"
)

// Command implements broadcast.Bus.
func (b *Bus) Command(c broadcast.Command) error {
	k, payload := encodeCommand(c)
	if err := b.queue.reserve(1, len(payload)); err != nil {
		return err
	}
	b.queue.push(item{kind: k, channel: b.names.control(), payload: payload, size: int64(len(payload) + itemOverhead)})
	return nil
}

func encodeCommand(c broadcast.Command) (kind, []byte) {
	if c.Action == broadcast.ActionTerminate {
		return kindTerminate, appendTerminate(c.App, c.User)
	}
	payload, err := json.Marshal(c)
	if err != nil {
		panic("redis: encoding a command: " + err.Error()) // it has no value that JSON cannot represent
	}
	return kindCommand, payload
}

func parseCommand(k kind, payload []byte) (c broadcast.Command, err error) {
	if k == kindTerminate {
		c.Action = broadcast.ActionTerminate
		c.App, c.User, err = parseTerminate(payload)
		return c, err
	}
	if json.Unmarshal(payload, &c) != nil {
		return c, errMessage
	}
	return c, nil
}

// handleCommand carries out a command of another node.
func (c *pubsubConn) handleCommand(k kind, m *goredis.Message) error {
	e, fresh, err := c.open(m.Payload, false)
	if err != nil || !fresh {
		return err
	}
	command, err := parseCommand(k, e.payload)
	if err != nil {
		return err
	}
	if d := c.session.hub.Directory(command.App); d != nil {
		d.CommandLocal(command)
	}
	return nil
}
