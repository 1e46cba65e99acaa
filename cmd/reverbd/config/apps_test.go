package config_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"reverbd/apps"
	"reverbd/cmd/reverbd/config"
)

func TestAppFromTheEnvironment(t *testing.T) {
	c := dotenv(`REVERB_APP_ALLOWED_ORIGINS="a.test, *.b.test"
REVERB_APP_PING_INTERVAL=10
REVERB_APP_ACTIVITY_TIMEOUT="20"
REVERB_APP_MAX_CONNECTIONS=100
REVERB_APP_MAX_MESSAGE_SIZE=0
REVERB_APP_ACCEPT_CLIENT_EVENTS_FROM=none
REVERB_APP_RATE_LIMITING_ENABLED=on
REVERB_APP_RATE_LIMIT_MAX_ATTEMPTS=5
REVERB_APP_RATE_LIMIT_DECAY_SECONDS=2
REVERB_APP_RATE_LIMIT_TERMINATE=(true)
REVERB_APP_ERROR_DATA=String
REVERB_APP_SUBSCRIPTION_ERROR=no
REVERB_APP_CHECK_AUTH_KEY=yes
REVERB_APP_REQUIRE_SIGNIN=30
REVERB_APP_IDEMPOTENCY_TTL=60
REVERB_APP_SUBSCRIPTION_COUNT=on
REVERB_APP_PREVIOUS_SECRET=before
REVERB_APP_MAX_EVENTS_PER_SECOND=200
REVERB_APP_MAX_CHANNELS_PER_EVENT=1
REVERB_APP_MAX_EVENTS_PER_BATCH=2
REVERB_APP_MAX_EVENT_NAME=3
REVERB_APP_MAX_EVENT_DATA=4
REVERB_APP_MAX_SUBSCRIPTIONS=0
REVERB_APP_MAX_PRESENCE_MEMBERS=6
REVERB_APP_MAX_USER_INFO=7
`).mustLoad(t)
	want := apps.Settings{
		ID: "1", Key: "k", Secret: "s", AllowedOrigins: []string{"a.test", "*.b.test"},
		PingInterval: 10 * time.Second, ActivityTimeout: 20 * time.Second, MaxConnections: 100,
		AcceptClientEventsFrom: apps.ClientEventsFromNone,
		RateLimit:              apps.RateLimit{Enabled: true, MaxAttempts: 5, Decay: 2 * time.Second, TerminateOnLimit: true},
		ErrorData:              apps.ErrorDataString,
		Limits:                 apps.Limits{ChannelsPerEvent: 1, EventsPerBatch: 2, EventName: 3, EventData: 4, Members: 6, UserInfo: 7},
		IdempotencyTTL:         time.Minute,
		RequireSignIn:          30 * time.Second, SubscriptionCount: true,
		CheckAuthKey: true, PreviousSecret: "before", MaxEventsPerSecond: 200,
	}
	if !reflect.DeepEqual(c.Apps, []apps.Settings{want}) {
		t.Errorf("got %+v\nwant %+v", c.Apps, want)
	}
}

// What Reverb takes for an option that is not there, and what null and nothing mean.
func TestAppOptionsThatAreMissing(t *testing.T) {
	tests := []struct {
		name string
		in   sources
		get  func(apps.Settings) any
		want any
	}{
		{"client events of a file's app", app("ping_interval: 60"), func(s apps.Settings) any { return s.AcceptClientEventsFrom }, apps.ClientEventsFromAll},
		{"client events null in the file", app("accept_client_events_from: null"), func(s apps.Settings) any { return s.AcceptClientEventsFrom }, apps.ClientEventsFromAll},
		{"client events of the environment's app", dotenv(""), func(s apps.Settings) any { return s.AcceptClientEventsFrom }, apps.ClientEventsFromMembers},
		{"client events false", app("accept_client_events_from: false"), func(s apps.Settings) any { return s.AcceptClientEventsFrom }, apps.ClientEventsFromNone},
		{"decay within rate_limiting", app("rate_limiting: {enabled: true}"), func(s apps.Settings) any { return s.RateLimit.Decay }, time.Second},
		{"attempts within rate_limiting", app("rate_limiting: {enabled: true}"), func(s apps.Settings) any { return s.RateLimit.MaxAttempts }, 60},
		{"decay without rate_limiting", app("ping_interval: 60"), func(s apps.Settings) any { return s.RateLimit.Decay }, time.Minute},
		{"max_connections empty", dotenv("REVERB_APP_MAX_CONNECTIONS="), func(s apps.Settings) any { return s.MaxConnections }, 0},
		{"max_connections null", dotenv("REVERB_APP_MAX_CONNECTIONS=null"), func(s apps.Settings) any { return s.MaxConnections }, 0},
		{"max_connections empty in the file", app(`max_connections: ""`), func(s apps.Settings) any { return s.MaxConnections }, 0},
		{"a refused channel is told", app("ping_interval: 60"), func(s apps.Settings) any { return s.SubscriptionError }, true},
		{"a refused channel is not told", app("subscription_error: false"), func(s apps.Settings) any { return s.SubscriptionError }, false},
		{"client events of private channels", app("accept_client_events_from: private"), func(s apps.Settings) any { return s.AcceptClientEventsFrom }, apps.ClientEventsFromPrivate},
		{"the default of subscriptions", app(`max_subscriptions: ""`), func(s apps.Settings) any { return s.Limits.Subscriptions }, 1000},
		{"more channels for an event", app(`max_channels_per_event: 5000`), func(s apps.Settings) any { return s.Limits.ChannelsPerEvent }, 5000},
		{"no limit of events", app(`max_events_per_second: ""`), func(s apps.Settings) any { return s.MaxEventsPerSecond }, 0},
		{"no previous secret", dotenv("REVERB_APP_PREVIOUS_SECRET="), func(s apps.Settings) any { return s.PreviousSecret }, ""},
		{"enabled unless told otherwise", app("ping_interval: 60"), func(s apps.Settings) any { return s.Disabled }, false},
		{"disabled in the file", app("enabled: false"), func(s apps.Settings) any { return s.Disabled }, true},
		{"disabled in .env", dotenv("REVERB_APP_ENABLED=false"), func(s apps.Settings) any { return s.Disabled }, true},
		{"enabled again in the environment", app("enabled: false").with(map[string]string{"REVERB_APP_ENABLED": "yes"}),
			func(s apps.Settings) any { return s.Disabled }, false},
		{"timeouts", app("max_connections: 1"), func(s apps.Settings) any { return s.PingInterval + s.ActivityTimeout }, 90 * time.Second},
		{"message size", app("max_connections: 1"), func(s apps.Settings) any { return s.MaxMessageSize }, 10_000},
		{"origins as one text", app("allowed_origins: a.test"), func(s apps.Settings) any { return strings.Join(s.AllowedOrigins, " ") }, "a.test"},
		{"origins missing", app("max_connections: 1"), func(s apps.Settings) any { return strings.Join(s.AllowedOrigins, " ") }, "*"},
		{"origin of an IPv6 host", app("allowed_origins: ['[::1]']"), func(s apps.Settings) any { return s.AllowedOrigins[0] }, "[::1]"},
		{"secret with a hash in quotes", dotenv(`REVERB_APP_SECRET="a#b$c"`), func(s apps.Settings) any { return s.Secret }, "a#b$c"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.get(tt.in.mustLoad(t).Apps[0]); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// Ids are text: as they stand in the file, and compared so.
func TestAppIDs(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"number", "apps: {apps: [{app_id: 0123, key: a, secret: s}]}", "0123"},
		{"number with an exponent", "apps: {apps: [{app_id: 1e3, key: a, secret: s}, {app_id: 1000, key: b, secret: s}]}", "1e3 1000"},
		{"large number in json", `{"apps":{"apps":[{"app_id":12345678901234567890,"key":"a","secret":"s"}]}}`, "12345678901234567890"},
		{"id for app_id", "apps: {apps: [{id: x, key: a, secret: s}]}", "x"},
		{"array with names", "apps: {apps: {one: {app_id: x, key: a, secret: s}, two: {app_id: y, key: b, secret: s}}}", "x y"},
		{"merge keys", "apps: {apps: [&a {app_id: x, key: a, secret: s}, {<<: *a, app_id: y, key: b}]}", "x y"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := ids(yaml(tt.in).mustLoad(t)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func ids(c config.Config) string {
	var all []string
	for _, app := range c.Apps {
		all = append(all, app.ID)
	}
	return strings.Join(all, " ")
}

// REVERB_APP_* beside a file that has apps.
func TestFileAndEnvironment(t *testing.T) {
	const two = "apps: {apps: [{app_id: 1, key: a, secret: s, max_connections: 7, allowed_origins: [a.test]}, {app_id: 2, key: b, secret: s}]}"
	const one = "apps: {apps: [{app_id: 1, key: a, max_connections: 7, secret: s}]}"
	tests := []struct {
		name, file, env string
		check           func(config.Config) bool
	}{
		{"the same id overrides key by key", two, "REVERB_APP_ID=1\nREVERB_APP_KEY=n\nREVERB_APP_SECRET=t\nREVERB_APP_PING_INTERVAL=5",
			func(c config.Config) bool {
				a := c.Apps[0]
				return ids(c) == "1 2" && a.Key == "n" && a.Secret == "t" && a.PingInterval == 5*time.Second &&
					a.MaxConnections == 7 && a.AllowedOrigins[0] == "a.test" && c.Apps[1].PingInterval == time.Minute && len(c.Notes) == 0
			}},
		{"the id of the second app", two, "REVERB_APP_ID=2\nREVERB_APP_MAX_CONNECTIONS=9", func(c config.Config) bool {
			return c.Apps[0].MaxConnections == 7 && c.Apps[1].MaxConnections == 9
		}},
		{"another id is added in front", two, "REVERB_APP_ID=3\nREVERB_APP_KEY=c\nREVERB_APP_SECRET=t", func(c config.Config) bool {
			return ids(c) == "3 1 2" && c.Apps[0].AllowedOrigins[0] == "*" &&
				strings.Contains(c.Notes[0], `REVERB_APP_ID in .env, line 1: the app "3" is not in c.yaml and is added in front of the apps there`)
		}},
		{"without an id, the only app", one, "REVERB_APP_SECRET=t\nREVERB_APP_MAX_CONNECTIONS=", func(c config.Config) bool {
			return ids(c) == "1" && c.Apps[0].Secret == "t" && c.Apps[0].MaxConnections == 0
		}},
		{"the secret only in the environment", "apps: {apps: [{app_id: 1, key: a}]}", "REVERB_APP_SECRET=t", func(c config.Config) bool {
			return c.Apps[0].Secret == "t"
		}},
		{"empty credentials are not set", one, "REVERB_APP_ID=\nREVERB_APP_KEY=\nREVERB_APP_SECRET=", func(c config.Config) bool {
			return ids(c) == "1" && c.Apps[0].Key == "a" && c.Apps[0].Secret == "s"
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := yaml(tt.file)
			s.files[".env"] = tt.env
			if c := s.mustLoad(t); !tt.check(c) {
				t.Errorf("got %+v", c)
			}
		})
	}
}

func TestDev(t *testing.T) {
	demo := apps.DefaultSettings()
	demo.ID, demo.Key, demo.Secret = "app-id", "app-key", "app-secret"

	tests := []struct {
		name  string
		in    sources
		check func(config.Config) bool
	}{
		{"alone", sources{}, func(c config.Config) bool {
			return c.Dev && c.Debug && c.Host == "127.0.0.1" && reflect.DeepEqual(c.Apps, []apps.Settings{demo}) && len(c.Notes) == 0
		}},
		{"debug off", sources{}.with(map[string]string{"REVERB_DEBUG": "false"}), func(c config.Config) bool { return !c.Debug }},
		{"host of the environment", sources{}.with(map[string]string{"REVERB_SERVER_HOST": "0.0.0.0"}), func(c config.Config) bool {
			return c.Host == "0.0.0.0" && len(c.Notes) == 1 && strings.Contains(c.Notes[0], "demo secret")
		}},
		{"host of a flag", sources{}.flag("host", "::1"), func(c config.Config) bool { return c.Host == "::1" && len(c.Notes) == 0 }},
		{"host of the file", server("host: 0.0.0.0"), func(c config.Config) bool {
			return c.Host == "127.0.0.1" && strings.Contains(c.Notes[0], "servers.reverb.host in c.yaml, line 4: not used with --dev")
		}},
		{"configured apps stay", dotenv(""), func(c config.Config) bool { return ids(c) == "1" && c.Debug }},
		{"options without credentials", sources{}.with(map[string]string{"REVERB_APP_PING_INTERVAL": "5"}), func(c config.Config) bool {
			return ids(c) == "app-id" && c.Apps[0].PingInterval == 5*time.Second
		}},
		{"empty credentials", sources{}.with(map[string]string{"REVERB_APP_ID": "", "REVERB_APP_KEY": ""}), func(c config.Config) bool { return ids(c) == "app-id" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if c := tt.in.flag("dev", "true").mustLoad(t); !tt.check(c) {
				t.Errorf("got %+v", c)
			}
		})
	}
}
