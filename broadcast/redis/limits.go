package redis

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// Limits are the limits that a Redis sets for its clients, for the preflight check. -1 is a limit that Redis does not
// tell: hosted Redis often refuses CONFIG, and a user without "dangerous" commands may not call INFO.
type Limits struct {
	Clients, MaxClients int64 // client connections now, and the maximum
	Own                 int64 // connections that a Bus opens at most

	// client-output-buffer-limit pubsub, in bytes and seconds: Redis closes the connection of a subscriber when PubSubHard
	// bytes wait for it, or more than PubSubSoft bytes for PubSubSeconds. 0 is no limit.
	PubSubHard, PubSubSoft, PubSubSeconds int64
}

// pubsubConnsPerServer is the number of pub/sub connections to a server: one, and another one while the first is being
// closed.
const pubsubConnsPerServer = 2

// ReadLimits connects to the Redis and reads its limits. In a cluster they are those of one server.
func ReadLimits(ctx context.Context, o Options) (Limits, error) {
	c := newClient(o)
	defer func() { _ = c.Close() }()
	l := Limits{Clients: -1, MaxClients: -1, Own: poolSize + pubsubConnsPerServer, PubSubHard: -1, PubSubSoft: -1, PubSubSeconds: -1}
	info, err := c.Info(ctx, "clients").Result()
	if unavailable(err) {
		return l, fmt.Errorf("redis: reading its limits: %w", err)
	}
	for line := range strings.Lines(info) {
		if text, ok := strings.CutPrefix(line, "connected_clients:"); ok {
			l.Clients = number(text)
		}
	}
	if got, err := c.ConfigGet(ctx, "maxclients").Result(); err == nil {
		l.MaxClients = number(got["maxclients"])
	}
	if got, err := c.ConfigGet(ctx, "client-output-buffer-limit").Result(); err == nil {
		l.pubSub(got["client-output-buffer-limit"])
	}
	return l, nil
}

// pubSub parses "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60".
func (l *Limits) pubSub(setting string) {
	words := strings.Fields(setting)
	for i := 0; i+3 < len(words); i += 4 {
		if words[i] == "pubsub" {
			l.PubSubHard, l.PubSubSoft, l.PubSubSeconds = number(words[i+1]), number(words[i+2]), number(words[i+3])
		}
	}
}

// number returns -1 for what is not a number.
func number(s string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil {
		return -1
	}
	return n
}
