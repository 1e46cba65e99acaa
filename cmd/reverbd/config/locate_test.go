package config_test

import (
	"strings"
	"testing"
	"time"

	"reverbd/cmd/reverbd/config"
)

func TestLocate(t *testing.T) {
	broken := "servers: {reverb: {host: 127.0.0.1\n"
	tests := []struct {
		name string
		in   sources
		host string
		port int
		fail string
	}{
		{"what is configured", dotenv("REVERB_SERVER_HOST=127.0.0.1\nREVERB_SERVER_PORT=9000"), "127.0.0.1", 9000, ""},
		{"the default", dotenv(""), "0.0.0.0", 8080, ""},
		{"without an app", sources{}, "0.0.0.0", 8080, ""},
		{"--dev", sources{}.flag("dev", "true"), "127.0.0.1", 8080, ""},
		{"with mistakes elsewhere", dotenv("REVERB_APP_PING_INTERVAL=x\nREVERB_REACTORS=999\nREVERB_SERVER_PORT=9000"), "0.0.0.0", 9000, ""},
		{"with an unknown key", server("port: 9000\n    prot: 1"), "0.0.0.0", 9000, ""},
		{"a wrong port", dotenv("REVERB_SERVER_PORT=x"), "", 0, `REVERB_SERVER_PORT in .env, line 4: "x" is not a port`},
		{"a file that may hide it", yaml(broken), "", 0, "c.yaml, line 1: is not valid YAML"},
		{"a file that cannot hide it", yaml(broken).with(map[string]string{"REVERB_SERVER_HOST": "::1", "REVERB_SERVER_PORT": "9000"}), "::1", 9000, ""},
		{"no file", sources{}.flag("config", "no.yaml"), "", 0, "--config: cannot read"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := tt.in.locate(t)
			if tt.fail != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fail) {
					t.Errorf("got %v, want %s", err, tt.fail)
				}
				return
			}
			if err != nil || c.Host != tt.host || c.Port != tt.port {
				t.Errorf("got %s %d %v, want %s %d", c.Host, c.Port, err, tt.host, tt.port)
			}
		})
	}
	c, err := yaml(broken).flag("pid-file", "/run/x.pid").locate(t)
	if err != nil || c.PidFile != "/run/x.pid" {
		t.Errorf("by the pid file: %q %v", c.PidFile, err)
	}
}

func TestNeedsRestart(t *testing.T) {
	running := dotenv("").mustLoad(t)
	same := dotenv("REVERB_APP_PING_INTERVAL=5\nREVERB_LOG_LEVEL=warn\nREVERB_DRAIN_TIMEOUT=9\nREVERB_MAX_REQUEST_SIZE=20000").mustLoad(t)
	if got := config.NeedsRestart(running, same); got != nil {
		t.Errorf("what a reload can change needs a restart: %q", got)
	}
	other := running
	other.Port, other.Reactors, other.CacheTTL = 9000, running.Reactors+1, time.Minute
	got := strings.Join(config.NeedsRestart(running, other), "; ")
	if !strings.Contains(got, "port (8080, configured is 9000)") || strings.Count(got, ";") != 2 {
		t.Errorf("got %s", got)
	}
}
