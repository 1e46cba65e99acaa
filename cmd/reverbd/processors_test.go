package main

import (
	"runtime"
	"testing"

	"reverbd/broadcast/redis"
	"reverbd/cmd/reverbd/config"
)

func TestProcessors(t *testing.T) {
	for name, tc := range map[string]struct {
		conf config.Config
		want int
	}{
		"one loop":      {config.Config{Reactors: 1}, 3},
		"eight loops":   {config.Config{Reactors: 8}, 10},
		"several nodes": {config.Config{Reactors: 2, Scaling: &redis.Options{}}, 5},
		"TLS":           {config.Config{Reactors: 2, TLS: &config.TLS{}}, 4 + handshakes()},
	} {
		if got := processors(tc.conf); got != tc.want {
			t.Errorf("%s: %d, want %d", name, got, tc.want)
		}
	}
}

// GOMAXPROCS in the environment is not overridden, and what the runtime does not understand is not taken for a number.
func TestProcessorsOfTheEnvironment(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	conf := config.Config{Reactors: before + 1}
	t.Setenv("GOMAXPROCS", "1")
	setProcessors(conf)
	if n := runtime.GOMAXPROCS(0); n != before {
		t.Errorf("%d, want %d as before", n, before)
	}
	t.Setenv("GOMAXPROCS", "many")
	setProcessors(conf)
	if n := runtime.GOMAXPROCS(0); n != before+3 {
		t.Errorf("%d, want %d", n, before+3)
	}
}
