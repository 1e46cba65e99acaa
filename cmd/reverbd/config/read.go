package config

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// names are the environment names that Load reads, for hints about misspelt ones in .env.
var names = []string{
	"REVERB_SERVER", "REVERB_SERVER_HOST", "REVERB_SERVER_PORT", "REVERB_SERVER_PATH", "REVERB_HOST",
	"REVERB_MAX_REQUEST_SIZE", "REVERB_SCALING_ENABLED", "REVERB_SCALING_CHANNEL", "REVERB_SCALING_QUEUE_BYTES",
	"REVERB_LISTEN", "REVERB_TRUSTED_PROXIES", "REVERB_PROXY_PROTOCOL", "REVERB_CLIENT_IP_HEADER",
	"REVERB_TLS_CERT", "REVERB_TLS_KEY", "REVERB_TLS_PASSPHRASE", "REVERB_TLS_CA_FILE",
	"REVERB_REACTORS", "REVERB_DEBUG", "REVERB_CONFIG", "REVERB_DEV",
	"REVERB_EXPECT_CONNECTIONS", "REVERB_SKIP_PREFLIGHT",
	"REVERB_AUTH_TIMESTAMP_TOLERANCE", "REVERB_CACHE_TTL", "REVERB_CACHE_BYTES", "REVERB_SLOW_CONSUMER_BYTES",
	"REVERB_PID_FILE", "REVERB_LOG_LEVEL", "REVERB_DRAIN_DELAY", "REVERB_DRAIN_TIMEOUT", "REVERB_RESTART_KEY",
	"REVERB_TIMER_SLACK", "REVERB_SUPERVISE", "REVERB_RELEASE_MEMORY",
	"REVERB_ADMIN_LISTEN", "REVERB_ADMIN_PASSWORD", "REVERB_PPROF", "REVERB_READY_REDIS",
	"REVERB_STATE_DIR", "REVERB_WEBHOOK_CA_FILE", "REVERB_WEBHOOK_QUEUE_BYTES",
	"REVERB_APP_ID", "REVERB_APP_KEY", "REVERB_APP_SECRET", "REVERB_APP_ALLOWED_ORIGINS", "REVERB_APP_PING_INTERVAL",
	"REVERB_APP_ACTIVITY_TIMEOUT", "REVERB_APP_MAX_CONNECTIONS", "REVERB_APP_MAX_MESSAGE_SIZE",
	"REVERB_APP_ACCEPT_CLIENT_EVENTS_FROM", "REVERB_APP_RATE_LIMITING_ENABLED", "REVERB_APP_RATE_LIMIT_MAX_ATTEMPTS",
	"REVERB_APP_RATE_LIMIT_DECAY_SECONDS", "REVERB_APP_RATE_LIMIT_TERMINATE", "REVERB_APP_ENABLED", "REVERB_APP_ERROR_DATA",
	"REVERB_APP_WEBHOOK_URL", "REVERB_APP_WEBHOOK_EVENTS", "REVERB_APP_WEBHOOK_CHANNELS",
	"REVERB_APP_IDEMPOTENCY_TTL", "REVERB_APP_REQUIRE_SIGNIN", "REVERB_APP_SUBSCRIPTION_COUNT",
	"REVERB_APP_SUBSCRIPTION_ERROR", "REVERB_APP_CHECK_AUTH_KEY", "REVERB_APP_PREVIOUS_SECRET", "REVERB_APP_MAX_EVENTS_PER_SECOND",
	"REVERB_APP_MAX_CHANNELS_PER_EVENT", "REVERB_APP_MAX_EVENTS_PER_BATCH", "REVERB_APP_MAX_EVENT_NAME", "REVERB_APP_MAX_EVENT_DATA",
	"REVERB_APP_MAX_SUBSCRIPTIONS", "REVERB_APP_MAX_PRESENCE_MEMBERS", "REVERB_APP_MAX_USER_INFO",
}

// unreadNames are names of Reverb and Laravel that this server does not read. They are not misspellings.
var unreadNames = []string{
	"REVERB_PORT", "REVERB_SCHEME", "REVERB_PULSE_INGEST_INTERVAL", "REVERB_TELESCOPE_INGEST_INTERVAL",
}

// readDotenv reads the named .env file, or the one in the directory if there is one.
func (l *loader) readDotenv() {
	v, named := l.find(setting{flag: "env-file", env: "REVERB_ENV_FILE"})
	if !named {
		v.text = ".env"
	}
	src, err := l.read(v.text)
	if !named && errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		if !named {
			v.from = origin{key: ".env"}
		}
		l.unreadable(v, err, "name a file that exists, or copy one there")
		return
	}
	l.dotenvName = v.text
	var broken []brokenLine
	l.dotenv, broken = parseDotenv(string(src), l.lookup)
	for _, b := range broken {
		l.unread = true
		l.problem(origin{key: l.dotenvName, line: b.line}, "%s", b.text)
	}
	l.reviewDotenv()
}

// reviewDotenv reports mistakes that Laravel ignores. References in redisNames are checked by scaling.
func (l *loader) reviewDotenv() {
	for _, name := range slices.Sorted(maps.Keys(l.dotenv)) {
		entry := l.dotenv[name]
		at := origin{name, l.dotenvName, entry.line}
		switch {
		case name == "REVERB_ENV_FILE":
			l.note("%s: not read here; give it as --env-file or in the environment", at)
		case !slices.Contains(names, name) && !slices.Contains(redisNames, name):
			l.noteUnread(name, at)
		case entry.cut && entry.unknown == "":
			l.note(`%s: the value ends at the #, as in Laravel; put it into quotes if the # belongs to it`, at)
		}
	}
	l.refuseUnknownReferences(names)
}

// noteUnread tells of a name that looks like one of ours. A variable of the project's own, which config/reverb.php reads, may be a security
// setting that does not hold here.
func (l *loader) noteUnread(name string, at origin) {
	meant := nearest(name, names)
	switch {
	case slices.Contains(unreadNames, name):
	case meant != "":
		l.note("%s: not a name that is read; did you mean %s?", at, meant)
	case strings.HasPrefix(name, "REVERB_"):
		l.note("%s: not a name that is read; what it is for in config/reverb.php does not hold here", at)
	}
}

// refuseUnknownReferences reports values with a ${NAME} that nothing defines: they would be used with the text ${NAME} in them.
func (l *loader) refuseUnknownReferences(names []string) {
	for _, name := range slices.Sorted(maps.Keys(l.dotenv)) {
		entry := l.dotenv[name]
		if _, hidden := l.lookup(name); hidden || entry.unknown == "" || !slices.Contains(names, name) {
			continue
		}
		l.problem(origin{name, l.dotenvName, entry.line}, "refers to %s, which neither the environment nor a line above defines; "+
			"define it further up, or write the value itself", entry.unknown)
		delete(l.dotenv, name) // one problem is enough
		l.unread = true
	}
}

func (l *loader) readFile() {
	v, named := l.find(setting{flag: "config", env: "REVERB_CONFIG"})
	if !named {
		l.notePHPConfig()
		return
	}
	src, err := l.read(v.text)
	if err != nil {
		l.unreadable(v, err, "name a YAML or JSON file that exists")
		return
	}
	l.file = readDocument(v.text, src)
	l.unread = l.unread || len(l.file.problems) > 0 && len(l.file.apps) == 0
	l.problems = append(l.problems, l.file.problems...)
	l.notes = append(l.notes, l.file.notes()...)
}

// phpConfig is Laravel's configuration of Reverb. It is PHP, which only PHP can read.
const phpConfig = "config/reverb.php"

// notePHPConfig tells that the project's configuration is not read: its allowed_origins may be stricter than what holds here.
func (l *loader) notePHPConfig() {
	if _, err := os.Stat(filepath.Join(l.dir, phpConfig)); err != nil {
		return
	}
	l.note("%s: not read, since it is PHP; what it says beyond the variables of .env, such as allowed_origins, does not hold here. Dump it with "+
		"php artisan tinker --execute='echo json_encode(config(\"reverb\"));' > reverb.json, and give --config reverb.json", phpConfig)
}

func (l *loader) read(name string) ([]byte, error) {
	if name == "" {
		return nil, errors.New("no name given")
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(l.dir, name)
	}
	return os.ReadFile(name)
}

func (l *loader) unreadable(v value, err error, fix string) {
	l.unread = true
	var inner *fs.PathError
	if errors.As(err, &inner) {
		err = inner.Err
	}
	l.problem(v.from, "cannot read %s: %v; %s", v.shown(), err, fix)
}
