package config

import (
	"slices"
	"strings"
)

// keyKind says how a key of the config file is read.
type keyKind int

const (
	unknown keyKind = iota
	group           // a mapping all of whose keys are known
	open            // a mapping that belongs to PHP, of which only the known keys are read
	list            // of groups: a list, or PHP's array with names
	texts           // a mapping of scalars, with any keys
	scalar
	hosts   // a list of scalars, or one
	phpOnly // concerns PHP alone: ignored with a note
)

// keys are all keys of config('reverb') and reverbd's own. "[]" stands for any element of a list.
var keys = map[string]keyKind{
	"":        group,
	"default": scalar,

	"servers":                                  group,
	"servers.reverb":                           group,
	"servers.reverb.host":                      scalar,
	"servers.reverb.port":                      scalar,
	"servers.reverb.path":                      scalar,
	"servers.reverb.hostname":                  scalar,
	"servers.reverb.max_request_size":          scalar,
	"servers.reverb.options":                   group,
	"servers.reverb.options.tls":               open,
	"servers.reverb.options.tls.local_cert":    scalar,
	"servers.reverb.options.tls.local_pk":      scalar,
	"servers.reverb.options.tls.passphrase":    scalar,
	"servers.reverb.options.tls.cafile":        scalar,
	"servers.reverb.options.tls.capath":        scalar,
	"servers.reverb.scaling":                   group,
	"servers.reverb.scaling.enabled":           scalar,
	"servers.reverb.scaling.channel":           scalar,
	"servers.reverb.scaling.queue_bytes":       scalar,
	"servers.reverb.scaling.server":            open, // a Redis connection as Laravel's config/database.php has it
	"servers.reverb.pulse_ingest_interval":     phpOnly,
	"servers.reverb.telescope_ingest_interval": phpOnly,

	"servers.reverb.scaling.server.url":               scalar,
	"servers.reverb.scaling.server.scheme":            scalar,
	"servers.reverb.scaling.server.host":              hosts,
	"servers.reverb.scaling.server.port":              scalar,
	"servers.reverb.scaling.server.path":              scalar,
	"servers.reverb.scaling.server.username":          scalar,
	"servers.reverb.scaling.server.password":          scalar,
	"servers.reverb.scaling.server.database":          scalar,
	"servers.reverb.scaling.server.timeout":           scalar,
	"servers.reverb.scaling.server.cluster":           scalar,
	"servers.reverb.scaling.server.sentinel":          group,
	"servers.reverb.scaling.server.sentinel.master":   scalar,
	"servers.reverb.scaling.server.sentinel.hosts":    hosts,
	"servers.reverb.scaling.server.sentinel.username": scalar,
	"servers.reverb.scaling.server.sentinel.password": scalar,
	"servers.reverb.scaling.server.ssl":               open, // PHP's SSL context options
	"servers.reverb.scaling.server.ssl.cafile":        scalar,
	"servers.reverb.scaling.server.ssl.local_cert":    scalar,
	"servers.reverb.scaling.server.ssl.local_pk":      scalar,
	"servers.reverb.scaling.server.ssl.peer_name":     scalar,
	"servers.reverb.scaling.server.ssl.verify_peer":   scalar,

	"servers.reverb.listen":                   hosts,
	"servers.reverb.trusted_proxies":          hosts,
	"servers.reverb.proxy_protocol":           scalar,
	"servers.reverb.client_ip_header":         scalar,
	"servers.reverb.reactors":                 scalar,
	"servers.reverb.compression":              scalar,
	"servers.reverb.expect_connections":       scalar,
	"servers.reverb.debug":                    scalar,
	"servers.reverb.auth_timestamp_tolerance": scalar,
	"servers.reverb.cache_ttl":                scalar,
	"servers.reverb.cache_bytes":              scalar,
	"servers.reverb.slow_consumer_bytes":      scalar,
	"servers.reverb.pid_file":                 scalar,
	"servers.reverb.log_level":                scalar,
	"servers.reverb.drain_delay":              scalar,
	"servers.reverb.drain_timeout":            scalar,
	"servers.reverb.state_dir":                scalar,
	"servers.reverb.webhooks":                 group,
	"servers.reverb.webhooks.ca_file":         scalar,
	"servers.reverb.webhooks.queue_bytes":     scalar,
	"servers.reverb.timer_slack":              scalar,
	"servers.reverb.supervise":                scalar,
	"servers.reverb.admin_listen":             scalar,
	"servers.reverb.admin_password":           scalar,
	"servers.reverb.pprof":                    scalar,
	"servers.reverb.ready_redis":              scalar,
	"servers.reverb.memory_limit":             scalar,
	"servers.reverb.release_memory":           scalar,

	"apps":                                         group,
	"apps.provider":                                scalar,
	"apps.apps":                                    list,
	"apps.apps[]":                                  group,
	"apps.apps[].app_id":                           scalar,
	"apps.apps[].id":                               scalar,
	"apps.apps[].key":                              scalar,
	"apps.apps[].secret":                           scalar,
	"apps.apps[].enabled":                          scalar,
	"apps.apps[].allowed_origins":                  hosts,
	"apps.apps[].ping_interval":                    scalar,
	"apps.apps[].activity_timeout":                 scalar,
	"apps.apps[].max_connections":                  scalar,
	"apps.apps[].max_message_size":                 scalar,
	"apps.apps[].accept_client_events_from":        scalar,
	"apps.apps[].error_data":                       scalar,
	"apps.apps[].subscription_error":               scalar,
	"apps.apps[].idempotency_ttl":                  scalar,
	"apps.apps[].require_signin":                   scalar,
	"apps.apps[].subscription_count":               scalar,
	"apps.apps[].check_auth_key":                   scalar,
	"apps.apps[].previous_secret":                  scalar,
	"apps.apps[].max_events_per_second":            scalar,
	"apps.apps[].max_channels_per_event":           scalar,
	"apps.apps[].max_events_per_batch":             scalar,
	"apps.apps[].max_event_name":                   scalar,
	"apps.apps[].max_event_data":                   scalar,
	"apps.apps[].max_subscriptions":                scalar,
	"apps.apps[].max_presence_members":             scalar,
	"apps.apps[].max_user_info":                    scalar,
	"apps.apps[].rate_limiting":                    group,
	"apps.apps[].rate_limiting.enabled":            scalar,
	"apps.apps[].rate_limiting.max_attempts":       scalar,
	"apps.apps[].rate_limiting.decay_seconds":      scalar,
	"apps.apps[].rate_limiting.terminate_on_limit": scalar,
	"apps.apps[].webhooks":                         list,
	"apps.apps[].webhooks[]":                       group,
	"apps.apps[].webhooks[].url":                   scalar,
	"apps.apps[].webhooks[].events":                hosts,
	"apps.apps[].webhooks[].channels":              hosts,
	"apps.apps[].webhooks[].headers":               texts,
	"apps.apps[].options":                          phpOnly, // the PHP client's host, port, scheme, useTLS, ...
	"apps.apps[].capacity":                         phpOnly, // of early Reverb, never read
}

// siblings are the last words of the keys that may stand in the group.
func siblings(group string) []string {
	var words []string
	for key := range keys {
		if rest, ok := strings.CutPrefix(key, group); ok {
			rest = strings.TrimPrefix(rest, ".")
			if rest != "" && !strings.ContainsAny(rest, ".[") {
				words = append(words, rest)
			}
		}
	}
	slices.Sort(words)
	return words
}

// join is the path of a key within a group.
func join(group, key string) string {
	if group == "" {
		return key
	}
	return group + "." + key
}
