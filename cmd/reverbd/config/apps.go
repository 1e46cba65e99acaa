package config

import (
	"slices"
	"strings"
	"time"

	"reverbd/apps"
)

// The demo application of --dev.
const (
	demoID     = "app-id"
	demoKey    = "app-key"
	demoSecret = "app-secret"
)

// IsDemo reports whether an application is the demo application, whose secret everybody knows.
func IsDemo(a apps.Settings) bool {
	return a.ID == demoID && a.Key == demoKey && a.Secret == demoSecret
}

// appOptions are the variables that set a single option of an application.
var appOptions = names[slices.Index(names, "REVERB_APP_ALLOWED_ORIGINS"):]

// appSource is where one application's settings are looked up.
type appSource struct {
	env  bool   // the REVERB_APP_* variables apply
	file string // path in the config file; "" when the application is not in there
	at   origin
	demo bool
}

func (a appSource) setting(env, key string) setting {
	var s setting
	if a.env {
		s.env = env
	}
	if a.file != "" {
		s.file = a.file + "." + key
	}
	return s
}

// apps builds the applications of the file and of the REVERB_APP_* variables.
func (l *loader) apps(dev bool) []apps.Settings {
	sources := l.appSources(dev)
	built := make([]apps.Settings, len(sources))
	for i, source := range sources {
		built[i] = l.app(source)
	}
	l.refuseDuplicates(sources, built)
	return built
}

// appSources decides which application the REVERB_APP_* variables describe: the one that REVERB_APP_ID names, in the
// file or, if it is not there, a further one in front; without REVERB_APP_ID the file's only one. So each variable
// overrides its key of the file, as the order of sources says, and an .env beside a dump of config('reverb') agrees
// with what the dump was made from.
func (l *loader) appSources(dev bool) []appSource {
	var sources []appSource
	for _, at := range l.file.apps {
		sources = append(sources, appSource{file: at.key, at: at})
	}
	id, hasID := l.given("REVERB_APP_ID")
	single, hasSingle := l.firstGiven(append([]string{"REVERB_APP_KEY", "REVERB_APP_SECRET"}, appOptions...))

	switch {
	case hasID:
		for i, source := range sources {
			if l.fileID(source).text == id.text {
				sources[i].env = true
				return sources
			}
		}
		if len(sources) > 0 {
			l.note("%s: the app %q is not in %s and is added in front of the apps there", id.from, id.text, l.file.name)
		}
		return append([]appSource{{env: true, at: id.from}}, sources...)
	case len(sources) == 1:
		sources[0].env = true
	case len(sources) > 1 && hasSingle:
		l.problem(single.from, "%s has %d apps, and no REVERB_APP_ID says which of them is meant; "+
			"set REVERB_APP_ID, or write the value into the file", l.file.name, len(sources))
	case len(sources) > 1:
	case l.hasCredential():
		return []appSource{{env: true, at: origin{key: "REVERB_APP_ID"}}}
	case dev:
		return []appSource{{env: true, demo: true}}
	case !l.unread:
		l.problem(origin{key: "no application"}, "set REVERB_APP_ID, REVERB_APP_KEY and REVERB_APP_SECRET in the "+
			"environment or in .env, name a file that has apps with --config, or start the demo app with --dev")
	}
	return sources
}

// given is a variable that is set and not empty: .env.example files list credentials without values.
func (l *loader) given(name string) (value, bool) {
	v, ok := l.environment(name)
	return v, ok && v.text != ""
}

func (l *loader) firstGiven(names []string) (value, bool) {
	for _, name := range names {
		if v, ok := l.given(name); ok {
			return v, true
		}
	}
	return value{}, false
}

func (l *loader) hasCredential() bool {
	_, ok := l.firstGiven([]string{"REVERB_APP_ID", "REVERB_APP_KEY", "REVERB_APP_SECRET"})
	return ok
}

// fileID reads app_id, or id, as Laravel's page on Reverb has it in one place.
func (l *loader) fileID(a appSource) value {
	if v, ok := l.file.values[a.file+".app_id"]; ok {
		return v
	}
	return l.file.values[a.file+".id"]
}

func (l *loader) app(a appSource) apps.Settings {
	s := apps.DefaultSettings()
	eventsFrom, decay := s.AcceptClientEventsFrom, s.RateLimit.Decay
	if a.file != "" {
		// What Reverb does with an app that lacks these keys; its shipped config file has them.
		eventsFrom = apps.ClientEventsFromAll
		if l.file.groups[a.file+".rate_limiting"] {
			decay = time.Second
		}
	}
	l.credentials(a, &s)
	s.Disabled = !l.boolean(a.setting("REVERB_APP_ENABLED", "enabled"), true)
	s.AllowedOrigins = l.origins(a.setting("REVERB_APP_ALLOWED_ORIGINS", "allowed_origins"), s.AllowedOrigins)
	s.PingInterval = l.seconds(a.setting("REVERB_APP_PING_INTERVAL", "ping_interval"), s.PingInterval, 1)
	s.ActivityTimeout = l.seconds(a.setting("REVERB_APP_ACTIVITY_TIMEOUT", "activity_timeout"), s.ActivityTimeout, 1)
	s.MaxConnections = l.maxConnections(a.setting("REVERB_APP_MAX_CONNECTIONS", "max_connections"))
	s.MaxMessageSize = l.maxMessageSize(a.setting("REVERB_APP_MAX_MESSAGE_SIZE", "max_message_size"), s.MaxMessageSize)
	s.AcceptClientEventsFrom = l.clientEvents(
		a.setting("REVERB_APP_ACCEPT_CLIENT_EVENTS_FROM", "accept_client_events_from"), eventsFrom)
	s.ErrorData = l.errorData(a.setting("REVERB_APP_ERROR_DATA", "error_data"))
	s.SubscriptionError = l.boolean(a.setting("REVERB_APP_SUBSCRIPTION_ERROR", "subscription_error"), s.SubscriptionError)
	s.IdempotencyTTL = l.seconds(a.setting("REVERB_APP_IDEMPOTENCY_TTL", "idempotency_ttl"), s.IdempotencyTTL, 1)
	s.RequireSignIn = l.seconds(a.setting("REVERB_APP_REQUIRE_SIGNIN", "require_signin"), 0, 0)
	s.SubscriptionCount = l.boolean(a.setting("REVERB_APP_SUBSCRIPTION_COUNT", "subscription_count"), false)
	s.CheckAuthKey = l.boolean(a.setting("REVERB_APP_CHECK_AUTH_KEY", "check_auth_key"), false)
	s.MaxEventsPerSecond = l.atMost(a.setting("REVERB_APP_MAX_EVENTS_PER_SECOND", "max_events_per_second"), 0, "a number of events")
	s.Limits = l.appLimits(a, s.Limits)
	s.RateLimit.Enabled = l.boolean(a.setting("REVERB_APP_RATE_LIMITING_ENABLED", "rate_limiting.enabled"), false)
	s.RateLimit.MaxAttempts = int(l.number(a.setting("REVERB_APP_RATE_LIMIT_MAX_ATTEMPTS", "rate_limiting.max_attempts"),
		int64(s.RateLimit.MaxAttempts), limits{"a number of messages", 1, 1 << 30}))
	s.RateLimit.Decay = l.seconds(a.setting("REVERB_APP_RATE_LIMIT_DECAY_SECONDS", "rate_limiting.decay_seconds"), decay, 1)
	s.RateLimit.TerminateOnLimit = l.boolean(
		a.setting("REVERB_APP_RATE_LIMIT_TERMINATE", "rate_limiting.terminate_on_limit"), false)
	s.Webhooks = l.webhooks(a)
	return s
}

func (l *loader) credentials(a appSource, s *apps.Settings) {
	if a.demo {
		s.ID, s.Key, s.Secret = demoID, demoKey, demoSecret
		return
	}
	if id, ok := l.file.values[a.file+".id"]; ok && id.text != l.fileID(a).text {
		l.problem(id.from, "differs from app_id, which means the same; remove one")
	}
	s.ID = l.identifier(a, "REVERB_APP_ID", "app_id")
	s.Key = l.identifier(a, "REVERB_APP_KEY", "key")
	secret := l.credential(a, "REVERB_APP_SECRET", "secret")
	s.Secret = secret.text
	l.checkSecret(secret)
	if previous, ok := l.find(a.setting("REVERB_APP_PREVIOUS_SECRET", "previous_secret")); ok {
		s.PreviousSecret = previous.text
		l.checkSecret(previous)
	}
}

func (l *loader) checkSecret(secret value) {
	if strings.TrimSpace(secret.text) != secret.text {
		l.problem(secret.from, "begins or ends with a space or line break, which clients do not sign with; remove it")
	}
}

func (l *loader) identifier(a appSource, env, key string) string {
	v := l.credential(a, env, key)
	l.check(v, identifier(v.text))
	return v.text
}

// credential returns the id, key or secret of an application, which it must have.
func (l *loader) credential(a appSource, env, key string) value {
	if v, ok := l.given(env); ok && a.env {
		return v
	}
	if a.file == "" {
		if !l.unread {
			l.problem(origin{key: env}, "is empty or not set; an app needs REVERB_APP_ID, REVERB_APP_KEY and REVERB_APP_SECRET")
		}
		return value{}
	}
	v := l.file.values[a.file+"."+key]
	if key == "app_id" {
		v = l.fileID(a)
	}
	if v.text == "" {
		at := a.at
		at.key += "." + key
		l.problem(at, "is empty or missing; an app needs app_id, key and secret")
	}
	return v
}

// origins reads a list, or one text with commas between the patterns.
func (l *loader) origins(s setting, fallback []string) []string {
	v, ok := l.find(s)
	if !ok {
		return fallback
	}
	patterns := v.elements()
	if len(patterns) == 0 {
		l.problem(v.from, "is empty, which would refuse everybody; give hosts such as example.com or *.example.com, or * for all")
	}
	var origins []string
	for _, p := range patterns {
		l.check(p, originPattern(p.text))
		origins = append(origins, p.text)
	}
	return origins
}

// maxConnections returns 0, no limit, for an empty value. The text 0 is refused: Reverb accepts no connection with it, and here it would
// mean no limit.
func (l *loader) maxConnections(s setting) int {
	v, ok := l.find(s)
	if !ok || strings.TrimSpace(v.text) == "" {
		return 0
	}
	if strings.TrimSpace(v.text) == "0" {
		l.problem(v.from, "0 would let nobody in; leave it empty for no limit, or give a number from 1")
		return 0
	}
	return int(l.numberOf(v, 0, limits{"a number of connections", 1, maxConnections}))
}

// maxMessageSize returns 0 for no limit, as in Reverb. A subscription does not fit into less than the minimum.
func (l *loader) maxMessageSize(s setting, fallback int) int {
	if v, ok := l.find(s); ok && strings.TrimSpace(v.text) == "0" {
		return 0
	}
	return int(l.number(s, int64(fallback), limits{"a size in bytes, or 0 for no limit", 64, maxSize}))
}

// appLimits are the limits that Reverb does not have.
func (l *loader) appLimits(a appSource, fallback apps.Limits) apps.Limits {
	at := func(env, key string, fallback int, what string) int {
		return l.atMost(a.setting("REVERB_APP_"+env, key), fallback, what)
	}
	return apps.Limits{
		ChannelsPerEvent: at("MAX_CHANNELS_PER_EVENT", "max_channels_per_event", fallback.ChannelsPerEvent, "a number of channels"),
		EventsPerBatch:   at("MAX_EVENTS_PER_BATCH", "max_events_per_batch", fallback.EventsPerBatch, "a number of events"),
		EventName:        at("MAX_EVENT_NAME", "max_event_name", fallback.EventName, "a length in bytes"),
		EventData:        at("MAX_EVENT_DATA", "max_event_data", fallback.EventData, "a length in bytes"),
		Subscriptions:    at("MAX_SUBSCRIPTIONS", "max_subscriptions", fallback.Subscriptions, "a number of subscriptions"),
		Members:          at("MAX_PRESENCE_MEMBERS", "max_presence_members", fallback.Members, "a number of members"),
		UserInfo:         at("MAX_USER_INFO", "max_user_info", fallback.UserInfo, "a length in bytes"),
	}
}

// atMost is a limit: 0 is none, and empty is the default.
func (l *loader) atMost(s setting, fallback int, what string) int {
	if v, ok := l.find(s); !ok || strings.TrimSpace(v.text) == "" {
		return fallback
	}
	return int(l.number(s, 0, limits{what + ", or 0 for no limit", 0, 1 << 30}))
}

func (l *loader) clientEvents(s setting, fallback apps.ClientEvents) apps.ClientEvents {
	v, ok := l.find(s)
	if !ok {
		return fallback
	}
	switch strings.ToLower(strings.TrimSpace(v.text)) {
	case "all":
		return apps.ClientEventsFromAll
	case "members":
		return apps.ClientEventsFromMembers
	case "private":
		return apps.ClientEventsFromPrivate
	case "none", "", "false", "(false)", "off", "no":
		return apps.ClientEventsFromNone
	}
	l.problem(v.from, "%s is not all, members, private or none; give one of these", v.shown())
	return fallback
}

func (l *loader) errorData(s setting) apps.ErrorData {
	v, ok := l.find(s)
	if !ok || v.text == "" {
		return ""
	}
	switch form := apps.ErrorData(strings.ToLower(strings.TrimSpace(v.text))); form {
	case apps.ErrorDataObject, apps.ErrorDataString:
		return form
	}
	l.problem(v.from, "%s is not object or string; give one of these", v.shown())
	return ""
}

// refuseDuplicates reports ids and keys that two apps have. They are compared as text: 1e3 is not 1000.
func (l *loader) refuseDuplicates(sources []appSource, built []apps.Settings) {
	ids, keys := make(map[string]int), make(map[string]int)
	for i, app := range built {
		if first, ok := ids[app.ID]; ok && app.ID != "" {
			l.problem(sources[i].at, "has the id %q, as %s has; give each app its own", app.ID, sources[first].at)
		} else {
			ids[app.ID] = i
		}
		if first, ok := keys[app.Key]; ok && app.Key != "" {
			l.problem(sources[i].at, "has the same key as %s; give each app its own", sources[first].at)
		} else {
			keys[app.Key] = i
		}
	}
}
