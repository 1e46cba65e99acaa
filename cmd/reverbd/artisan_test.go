package main

import (
	"context"
	"errors"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// The signal is a value that has changed while the server runs: not one that was there before, and not a cache that was emptied.
func TestSignalWatch(t *testing.T) {
	values := map[string]string{"a": "1700000000"}
	var failure error
	core, logs := observer.New(zap.WarnLevel)
	w := &signalWatch{
		get:  func(_ context.Context, key string) (string, error) { return values[key], failure },
		keys: []string{"a", "b"}, log: zap.New(core),
	}
	for _, step := range []struct {
		name string
		then func()
		want bool
	}{
		{"what was there before", func() {}, false},
		{"nothing new", func() {}, false},
		{"another time", func() { values["a"] = "1700000001" }, true},
		{"told once", func() {}, false},
		{"under the other key", func() { values["b"] = "1" }, true},
		{"Redis is away", func() { failure = errors.New("away"); values["b"] = "2" }, false},
		{"still away", func() {}, false},
		{"Redis is back, and it came meanwhile", func() { failure = nil }, true},
		{"the cache was emptied", func() { clear(values) }, false},
		{"the first one in an empty cache", func() { values["a"] = "3" }, true},
	} {
		step.then()
		if got := w.changed(context.Background()); got != step.want {
			t.Errorf("%s: %v", step.name, got)
		}
	}
	if n := logs.Len(); n != 1 {
		t.Errorf("%d warnings, want one", n)
	}
}
