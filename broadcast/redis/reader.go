package redis

import (
	"context"
	"errors"
	"fmt"

	goredis "github.com/redis/go-redis/v9"
)

// Reader reads single values of keys that other programs write. Its options need no Channel. Safe for concurrent use.
type Reader struct{ client client }

// NewReader returns a Reader that is not connected: the first Get connects.
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

// Close closes the connections.
func (r *Reader) Close() error { return r.client.Close() }
