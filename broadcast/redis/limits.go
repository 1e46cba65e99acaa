package redis

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// Limits are those that a Redis has for its clients, for the check of the machine before the server starts. What it does not tell,
// as one that is rented often does not, is -1.
type Limits struct {
	Clients, MaxClients int64 // connections that it has now, and may have
	Own                 int64 // connections that a Bus opens at most

	// client-output-buffer-limit pubsub: a subscriber is cut off when PubSubHard bytes wait for it, or more than PubSubSoft bytes
	// for PubSubSeconds. 0 is no limit.
	PubSubHard, PubSubSoft, PubSubSeconds int64
}

// listenings is how many connections to a server are for listening: one, and another one while the first is being given up.
const pubsubConnsPerServer = 2

// AskLimits connects to the Redis and asks it. In a cluster it is one server that answers.
func ReadLimits(ctx context.Context, o Options) (Limits, error) {
	c := newClient(o)
	defer func() { _ = c.Close() }()
	l := Limits{Clients: -1, MaxClients: -1, Own: poolSize + pubsubConnsPerServer, PubSubHard: -1, PubSubSoft: -1, PubSubSeconds: -1}
	info, err := c.Info(ctx, "clients").Result()
	if err != nil {
		return l, fmt.Errorf("redis: asking for its limits: %w", err)
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

// pubSub reads "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60".
func (l *Limits) pubSub(setting string) {
	words := strings.Fields(setting)
	for i := 0; i+3 < len(words); i += 4 {
		if words[i] == "pubsub" {
			l.PubSubHard, l.PubSubSoft, l.PubSubSeconds = number(words[i+1]), number(words[i+2]), number(words[i+3])
		}
	}
}

// number is -1 for what is none.
func number(s string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil {
		return -1
	}
	return n
}
