package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"reverbd/broadcast"
)

var _ broadcast.Claims = (*Bus)(nil)

var errNotConnected = errors.New("redis: not connected")

// claimed is the value of a key whose first request has not been answered yet. No answer is empty.
const claimed = ""

// Claim implements broadcast.Claims. A claim whose fate is unknown is given up: then nobody publishes.
func (b *Bus) Claim(app, key string, ttl time.Duration) (won bool, answer []byte, err error) {
	s := b.queries.currentSession()
	if s == nil {
		return false, nil, errNotConnected
	}
	name := b.names.claim(app, key)
	before, err := s.client.SetArgs(s.ctx, name, claimed, goredis.SetArgs{Mode: "NX", TTL: ttl, Get: true}).Result()
	switch {
	case errors.Is(err, goredis.Nil):
		return true, nil, nil
	case err != nil:
		return false, nil, fmt.Errorf("redis: claiming a key: %w", err)
	case before == claimed:
		return false, nil, nil
	}
	return false, []byte(before), nil
}

// Settle implements broadcast.Claims.
func (b *Bus) Settle(app, key string, answer []byte, ttl time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	if err := b.client.Set(ctx, b.names.claim(app, key), answer, ttl).Err(); err != nil {
		return fmt.Errorf("redis: settling a key: %w", err)
	}
	return nil
}

// Forget implements broadcast.Claims. If Redis cannot be reached, the key is taken until it expires.
func (b *Bus) Forget(app, key string) {
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	b.client.Del(ctx, b.names.claim(app, key))
}
