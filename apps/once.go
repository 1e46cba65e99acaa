package apps

import (
	"net/http"
	"time"

	"go.uber.org/zap"

	"reverbd/protocol/pusher"
)

// idempotencyHeader has the key of a publish that must happen once; idempotency_key in the body has it too, and wins.
const idempotencyHeader = "X-Idempotency-Key"

// maxIdempotencyKey is the longest key, in bytes.
const maxIdempotencyKey = 200

// How long a repeat waits for the answer of the first, and how often it looks.
const (
	onceTimeout  = time.Second
	onceInterval = 20 * time.Millisecond
)

// once carries out a publish that has an idempotency key. A repeat is answered as the first, and delivers nothing; only what has been
// delivered counts. Where it cannot be decided whether it is a repeat, nothing is delivered either.
func (c *call) once(key string, publish func() reply) reply {
	channels, ttl := c.app.Channels, c.app.IdempotencyTTL
	deadline := time.Now().Add(onceTimeout)
	for {
		won, answer, err := channels.Claim(key, ttl)
		switch {
		case err != nil:
			if c.api.Log != nil {
				c.api.Log.Warn("an event with an idempotency key is refused", zap.String("app", c.app.ID), zap.Error(err))
			}
			return undecided("it cannot be decided whether this is a repetition; try again")
		case answer != nil:
			return ok(answer)
		case won:
			return c.settle(key, publish())
		case c.loop != nil || time.Now().After(deadline):
			return undecided("a request with this idempotency key is being carried out; try again")
		}
		<-time.After(onceInterval)
	}
}

// settle keeps an answer for repeats, if the events have been delivered.
func (c *call) settle(key string, r reply) reply {
	if r.status != http.StatusOK {
		c.app.Channels.Forget(key)
		return r
	}
	if err := c.app.Channels.Settle(key, r.body, c.app.IdempotencyTTL); err != nil && c.api.Log != nil {
		c.api.Log.Warn("repeats of an event are refused until its idempotency key expires", zap.String("app", c.app.ID), zap.Error(err))
	}
	return r
}

func undecided(message string) reply {
	r := jsonError(http.StatusServiceUnavailable, message)
	r.header, r.value = "Retry-After", []string{"1"}
	return r
}

// onceKey is the idempotency key of the request; "" if there is none.
func (c *call) onceKey(b *bag, field []byte) string {
	key := c.header
	switch {
	case field == nil:
	case '0' <= field[0] && field[0] <= '9': // an id of a database
		key = string(field)
	case b.string(top("idempotency_key"), field):
		key = string(decode(field))
	}
	if len(key) > maxIdempotencyKey || !pusher.ValidName(key) && key != "" {
		b.add(top("idempotency_key"), invalidFormat)
	}
	return key
}
