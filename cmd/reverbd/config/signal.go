package config

import (
	"maps"
	"slices"
	"strings"

	"reverbd/broadcast/redis"
)

// RestartSignal is the place in the application's cache where php artisan reverb:restart stores the time of its run.
type RestartSignal struct {
	Redis redis.Options
	Keys  []string // one of which holds it
}

// signalKey is the key as the application knows it.
const signalKey = "laravel:reverb:restart"

// restartSignal finds the application's cache, if that is in Redis. The server does not depend on that
// configuration, so a mistake in it is a note and not an error.
func (l *loader) restartSignal() *RestartSignal {
	own := *l
	own.problems, own.notes, own.dotenv = nil, nil, maps.Clone(l.dotenv)
	s := own.readSignal()
	if len(own.problems) == 0 {
		return s
	}
	for _, p := range own.problems {
		l.note("php artisan reverb:restart is not seen: %v", p)
	}
	return nil
}

func (l *loader) readSignal() *RestartSignal {
	store, _ := l.firstGiven([]string{"CACHE_STORE", "CACHE_DRIVER"})
	key, named := l.environment("REVERB_RESTART_KEY")
	if named && key.text == "" || !named && store.text != "redis" {
		return nil
	}
	l.refuseUnknownReferences(append([]string{"APP_NAME", "CACHE_PREFIX", "REDIS_PREFIX", "REDIS_CACHE_DB", "REVERB_RESTART_KEY"}, redisNames...))
	o := l.redis()
	// Laravel's connection for the cache differs from the other one by its database alone.
	if url := l.redisURL(scalingSetting("REDIS_URL", "server.url")); url.database == "" && !o.Cluster {
		o.DB = int(l.number(setting{env: "REDIS_CACHE_DB"}, 1, limits{"a number of a database", 0, 1 << 20}))
	}
	s := &RestartSignal{Redis: *o, Keys: []string{key.text}}
	if !named {
		s.Keys = l.signalKeys()
	}
	return s
}

// signalKeys are the full keys that Laravel makes of signalKey: with the prefix of Redis and that of the cache, whose defaults come from
// the application's name, with underscores until Laravel 12 and dashes since. Laravel 10 has a colon behind the cache's.
func (l *loader) signalKeys() []string {
	var keys []string
	for _, separator := range []string{"_", "-"} {
		prefix := l.prefix("REDIS_PREFIX", separator+"database"+separator, separator) + l.prefix("CACHE_PREFIX", separator+"cache"+separator, separator)
		for _, key := range []string{prefix + signalKey, prefix + ":" + signalKey} {
			if !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

func (l *loader) prefix(name, suffix, separator string) string {
	if v, ok := l.environment(name); ok {
		return v.text
	}
	app, ok := l.environment("APP_NAME")
	if !ok {
		app.text = "laravel"
	}
	slug, ok := slugOf(app.text, separator)
	if !ok {
		l.problem(app.from, "%s does not say what the prefix of its cache is; set REVERB_RESTART_KEY to the whole key, "+
			"as in redis-cli --scan --pattern '*%s'", app.shown(), signalKey)
	}
	return slug + suffix
}

// slugOf is Laravel's Str::slug. It is not known for what is not ASCII, which Laravel transliterates.
func slugOf(name, separator string) (slug string, ok bool) {
	var b strings.Builder
	for _, r := range strings.ReplaceAll(strings.ToLower(name), "@", separator+"at"+separator) {
		switch {
		case r > 0x7f:
			return "", false
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case r == ' ', r == '\t', r == '\n', r == '_', r == '-':
			b.WriteByte(' ')
		}
	}
	return strings.Join(strings.Fields(b.String()), separator), true
}
