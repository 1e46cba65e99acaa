package main

import (
	"testing"
	"time"

	"reverbd/apps"
	"reverbd/cmd/reverbd/config"
)

// The number of connections is what the operator says, or what the apps are limited to, or nothing.
func TestExpected(t *testing.T) {
	limited := func(n ...int) (settings []apps.Settings) {
		for _, max := range n {
			settings = append(settings, apps.Settings{MaxConnections: max})
		}
		return settings
	}
	tests := []struct {
		name string
		conf config.Config
		want int
	}{
		{"no limit", config.Config{Apps: limited(0)}, 0},
		{"all have one", config.Config{Apps: limited(100, 200)}, 300},
		{"one has none", config.Config{Apps: limited(100, 0)}, 0},
		{"said", config.Config{ExpectConnections: 50, Apps: limited(100, 0)}, 50},
	}
	for _, tt := range tests {
		if got := expected(tt.conf); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

// A proxy has to wait as long as the most patient app, and an event may be as large as any app takes.
func TestNeedOfSeveralApps(t *testing.T) {
	n := needOf(config.Config{MaxRequestSize: 5000, Apps: []apps.Settings{
		{PingInterval: 10 * time.Second, ActivityTimeout: 90 * time.Second, MaxMessageSize: 7000},
		{PingInterval: 120 * time.Second, ActivityTimeout: 5 * time.Second, MaxMessageSize: 6000},
	}}, 1)
	if n.PingInterval != 120*time.Second || n.ActivityTimeout != 90*time.Second || n.LargestEvent != 7000 {
		t.Errorf("%+v", n)
	}
}
