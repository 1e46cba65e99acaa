package config

import (
	"fmt"
	"reflect"
)

// NeedsRestart names what differs between the configuration that runs and one that has been read again, and cannot be changed
// without a new process.
func NeedsRestart(running, read Config) []string {
	var names []string
	for _, s := range []struct {
		name      string
		was, want any
	}{
		{"host", running.Host, read.Host},
		{"port", running.Port, read.Port},
		{"path", running.Path, read.Path},
		{"client_ip_header", running.ClientIPHeader, read.ClientIPHeader},
		{"reactors", running.Reactors, read.Reactors},
		{"debug", running.Debug, read.Debug},
		{"timer_slack", running.TimerSlack, read.TimerSlack},
		{"compression", running.Compression, read.Compression},
		{"auth_timestamp_tolerance", running.AuthTimestampTolerance, read.AuthTimestampTolerance},
		{"cache_ttl", running.CacheTTL, read.CacheTTL},
		{"cache_bytes", running.CacheBytes, read.CacheBytes},
		{"memory_limit", running.MemoryLimit, read.MemoryLimit},
		{"pid_file", running.PidFile, read.PidFile},
		{"state_dir", running.StateDir, read.StateDir},
		{"webhooks.ca_file", running.CAFile, read.CAFile},
		{"webhooks.queue_bytes", running.QueueBytes, read.QueueBytes},
	} {
		if s.was != s.want {
			names = append(names, fmt.Sprintf("%s (%v, configured is %v)", s.name, s.was, s.want))
		}
	}
	// Without values, some of which are secret or long.
	if !reflect.DeepEqual(running.Listen, read.Listen) {
		names = append(names, "listen")
	}
	if !reflect.DeepEqual(running.TrustedProxies, read.TrustedProxies) || running.ProxyProtocol != read.ProxyProtocol {
		names = append(names, "trusted_proxies")
	}
	if !reflect.DeepEqual(running.TLS, read.TLS) {
		names = append(names, "which files TLS uses")
	}
	if !reflect.DeepEqual(running.Admin, read.Admin) {
		names = append(names, "the admin address")
	}
	if !reflect.DeepEqual(running.Scaling, read.Scaling) {
		names = append(names, "scaling")
	}
	if !reflect.DeepEqual(running.Signal, read.Signal) {
		names = append(names, "the cache in which reverb:restart is looked for")
	}
	return names
}
