package redis

import (
	"context"
	"testing"
)

func TestReader(t *testing.T) {
	server := startRedis(t)
	r := NewReader(Options{Addrs: []string{server.path()}, DB: 1})
	defer func() { _ = r.Close() }()
	ctx := context.Background()
	if v, err := r.Get(ctx, "k"); v != "" || err != nil {
		t.Errorf("a key that is not there: %q, %v", v, err)
	}
	for _, cmd := range [][]any{{"SELECT", 1}, {"SET", "k", "v"}} {
		if err := server.client.Do(ctx, cmd...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if v, err := r.Get(ctx, "k"); v != "v" || err != nil {
		t.Errorf("%q, %v", v, err)
	}
	server.kill()
	if _, err := r.Get(ctx, "k"); err == nil {
		t.Error("no error without Redis")
	}
	server.start()
	if v, err := r.Get(ctx, "k"); v != "" || err != nil {
		t.Errorf("with a Redis that is back and empty: %q, %v", v, err)
	}
}
