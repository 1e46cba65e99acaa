package config_test

import (
	"strings"
	"testing"
)

// What Kubernetes sets for services that have the names of our variables is not a value, and hides none.
func TestServiceLinks(t *testing.T) {
	links := map[string]string{
		"REDIS_PORT": "tcp://10.96.7.1:6379", "REVERB_SERVER_PORT": "tcp://[fd00::1]:8080", "REDIS_PORT_6379_TCP": "tcp://10.96.7.1:6379",
	}
	c := dotenv("REVERB_SCALING_ENABLED=true\nREDIS_PORT=6380").with(links).mustLoad(t)
	if c.Port != 8080 || len(c.Scaling.Addrs) != 1 || c.Scaling.Addrs[0] != "127.0.0.1:6380" {
		t.Error(c.Port, c.Scaling.Addrs)
	}
	for _, want := range []string{
		"REDIS_PORT in the environment: tcp://10.96.7.1:6379 is how Kubernetes links the service redis, and is not read; enableServiceLinks: false",
		"links the service reverb-server",
	} {
		if n := strings.Count(strings.Join(c.Notes, "\n"), want); n != 1 {
			t.Errorf("%q is told %d times in %q", want, n, c.Notes)
		}
	}
	for _, wrong := range []string{"tcp://redis:6379", "http://10.96.7.1:6379", "tcp://10.96.7.1"} {
		dotenv("").with(map[string]string{"REVERB_SERVER_PORT": wrong}).mustRefuse(t, "is not a port")
	}
}
