package redis

import (
	"context"
	"errors"
	"fmt"

	goredis "github.com/redis/go-redis/v9"
)

// Reader reads single values, of others. It needs no Channel in its options. Safe for concurrent use.
type Reader struct{ client client }

// NewReader does not connect: the first Get does.
func NewReader(o Options) *Reader { return &Reader{newClient(o)} }

// Get returns the value of a key, "" if there is none.
func (r *Reader) Get(ctx context.Context, key string) (string, error) {
	value, err := r.client.Get(ctx, key).Result()
	if errors.Is(err, goredis.Nil) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("redis: %w", err)
	}
	return value, nil
}

// Close ends the connections.
func (r *Reader) Close() error { return r.client.Close() }
