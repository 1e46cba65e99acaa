package config

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"reverbd/apps"
	"reverbd/broadcast/redis"
	"reverbd/eventloop/listen"
)

// Config is everything the server is started with. Load has checked all of it.
type Config struct {
	Host     string // address to bind: an IP without brackets, or a name
	Port     int
	Path     string // prefix of every route: "" or "/ws", never with a trailing slash
	Hostname string // public host, for the start message; "" when unknown

	Listen         []listen.Address // replaces host and port if it is not empty; Host and Port are then those of the first one
	TrustedProxies []string         // that are trusted to name the client; proxy.Parse reads them
	ProxyProtocol  bool             // they begin with a header of the PROXY protocol
	ClientIPHeader string           // in which they name it without that protocol; canonical form
	TLS            *TLS             // spoken on TCP; nil when it is not

	Reactors       int // event loops, 1 to 64
	MaxRequestSize int // bytes of headers plus body

	ExpectConnections int  // that the machine must be able to hold; 0 when not set
	SkipPreflight     bool // start whatever the checks of the machine say

	TimerSlack time.Duration // how late the kernel may wake a sleeping thread; 0 leaves what the process was started with

	Debug, Dev  bool
	Compression bool // permessage-deflate for clients that offer it

	AuthTimestampTolerance time.Duration // 0 turns the check off
	CacheTTL               time.Duration // life of a cache channel's last event
	CacheBytes             int64         // memory for all of these events
	SlowConsumerBytes      int           // outbound bytes waiting for one connection before it is closed with 4100

	MemoryLimit int64 // bytes that the process is to use; 0: what the machine and the control group allow

	Webhooks

	Scaling *redis.Options // how this node reaches the others; nil when it is on its own

	Signal *RestartSignal // that of php artisan reverb:restart; nil where it cannot be seen

	Lifecycle
	Admin Admin

	Apps  []apps.Settings
	Notes []string // what was ignored and why, for the start-up log
}

const (
	defaultPort           = 8080
	defaultMaxRequestSize = 10_000
	defaultTolerance      = 600 * time.Second
	defaultCacheTTL       = 1800 * time.Second
	defaultCacheBytes     = 64 << 20
	defaultSlowConsumer   = 1 << 20
	defaultTimerSlack     = 2 * time.Millisecond

	maxReactors    = 64
	maxSize        = 1 << 30 // bytes of a request or message
	maxConnections = 1 << 30
	maxTimerSlack  = 50 * time.Millisecond // nothing is timed finer than 200
)

// UsableCPUs is how many CPUs the process may use by its affinity and the quota of its cgroup, and at most GOMAXPROCS if the environment
// has that. It is read once, since the server sets GOMAXPROCS to more.
var UsableCPUs = sync.OnceValue(func() int { return min(runtime.GOMAXPROCS(0), runtime.NumCPU()) })

// The settings that Load and Locate read.
var (
	settingDev  = setting{flag: "dev", env: "REVERB_DEV"}
	settingHost = setting{"host", "REVERB_SERVER_HOST", "servers.reverb.host"}
	settingPort = setting{"port", "REVERB_SERVER_PORT", "servers.reverb.port"}

	settingHostname = setting{"hostname", "REVERB_HOST", "servers.reverb.hostname"}
)

// Load reads the configuration. flags holds the flags that were given (see Given), lookup the environment, and dir is
// the directory in which .env is looked for and to which relative file names refer.
//
// The error joins everything that is wrong, one problem a line. The Config is empty then.
func Load(flags map[string]string, lookup func(name string) (string, bool), dir string) (Config, error) {
	l := &loader{flags: flags, lookup: lookup, dir: dir}

	l.readDotenv()
	l.readFile()
	c := l.server()
	c.Apps = l.apps(c.Dev)
	c.SlowConsumerBytes = l.slowConsumerBytes(c)

	if err := errors.Join(l.problems...); err != nil {
		return Config{}, err
	}
	l.noteExposedDemo(c)
	c.Notes = l.notes
	return c, nil
}

func (l *loader) server() Config {
	l.refuseMissingFeatures()

	var c Config
	c.Dev = l.boolean(settingDev, false)
	c.Debug = l.boolean(setting{flag: "debug", env: "REVERB_DEBUG", file: "servers.reverb.debug"}, c.Dev)
	c.Compression = l.boolean(setting{"compression", "REVERB_COMPRESSION", "servers.reverb.compression"}, false)
	c.Host = l.host(c.Dev)
	c.Port = l.port()
	c.Path = l.path(setting{"path", "REVERB_SERVER_PATH", "servers.reverb.path"})
	c.Hostname = l.hostname(settingHostname)
	l.listening(&c)
	c.Reactors = int(l.number(setting{"reactors", "REVERB_REACTORS", "servers.reverb.reactors"},
		int64(min(UsableCPUs(), maxReactors)), limits{"a number of event loops", 1, maxReactors}))
	c.ExpectConnections = l.expectConnections(setting{"expect-connections", "REVERB_EXPECT_CONNECTIONS",
		"servers.reverb.expect_connections"})
	c.SkipPreflight = l.boolean(setting{flag: "skip-preflight", env: "REVERB_SKIP_PREFLIGHT"}, false)
	c.TimerSlack = l.duration(setting{"timer-slack", "REVERB_TIMER_SLACK", "servers.reverb.timer_slack"}, defaultTimerSlack, maxTimerSlack)
	// A browser's handshake with a few cookies does not fit into less than the minimum.
	c.MaxRequestSize = int(l.number(setting{"", "REVERB_MAX_REQUEST_SIZE", "servers.reverb.max_request_size"},
		defaultMaxRequestSize, limits{"a size in bytes", 1024, maxSize}))
	c.Lifecycle = l.lifecycle()
	c.Admin = l.admin(c.Dev)
	c.AuthTimestampTolerance = l.seconds(setting{"", "REVERB_AUTH_TIMESTAMP_TOLERANCE",
		"servers.reverb.auth_timestamp_tolerance"}, defaultTolerance, 0)
	c.CacheTTL = l.seconds(setting{"", "REVERB_CACHE_TTL", "servers.reverb.cache_ttl"}, defaultCacheTTL, 1)
	c.MemoryLimit = l.memoryLimit()
	c.CacheBytes = l.number(setting{"", "REVERB_CACHE_BYTES", "servers.reverb.cache_bytes"}, defaultCacheBytes,
		limits{"a size in bytes", 64 << 10, 1 << 50})
	c.Webhooks = l.webhookOptions()
	c.Scaling = l.scaling()
	c.Signal = l.restartSignal()
	return c
}

// host is the address to bind. With --dev the file's host does not count: a dump of config('reverb') always has one,
// and a demo application must not be open to the network by accident.
func (l *loader) host(dev bool) string {
	s, fallback := settingHost, "0.0.0.0"
	if dev {
		if v, ok := l.file.values[s.file]; ok && v.text != "127.0.0.1" {
			l.note("%s: not used with --dev, which binds 127.0.0.1 unless --host or REVERB_SERVER_HOST says otherwise", v.from)
		}
		s.file, fallback = "", "127.0.0.1"
	}
	v, ok := l.find(s)
	if !ok {
		return fallback
	}
	host, err := bindHost(v.text)
	l.check(v, err)
	return host
}

func (l *loader) port() int {
	return int(l.number(settingPort, defaultPort, limits{"a port", 1, 65535}))
}

func (l *loader) path(s setting) string {
	v, _ := l.find(s)
	path, err := routePrefix(v.text)
	l.check(v, err)
	return path
}

func (l *loader) hostname(s setting) string {
	v, _ := l.find(s)
	if v.text == "" {
		return ""
	}
	host, err := bindHost(v.text)
	l.check(v, err)
	return host
}

// expectConnections returns 0 for an empty value, as with max_connections.
func (l *loader) expectConnections(s setting) int {
	v, ok := l.find(s)
	if !ok || v.text == "" {
		return 0
	}
	return int(l.numberOf(v, 0, limits{"a number of connections", 1, maxConnections}))
}

// minMemoryLimit is in bytes: a server with a thousand connections uses half of it.
const minMemoryLimit = 64 << 20

func (l *loader) memoryLimit() int64 {
	s := setting{"memory-limit", "REVERB_MEMORY_LIMIT", "servers.reverb.memory_limit"}
	n := l.number(s, 0, limits{"a size in bytes", 0, 1 << 50})
	if v, ok := l.find(s); ok && n > 0 && n < minMemoryLimit {
		l.problem(v.from, "%d is too little to work in; give %d or more, or 0 for what the machine and the control group allow", n, minMemoryLimit)
	}
	return n
}

// slowConsumerBytes must hold the largest event that can be published, or that event alone would close every healthy
// connection. The default therefore grows with the sizes it depends on.
func (l *loader) slowConsumerBytes(c Config) int {
	largest := c.MaxRequestSize
	for _, app := range c.Apps {
		largest = max(largest, app.MaxMessageSize)
	}
	s := setting{"", "REVERB_SLOW_CONSUMER_BYTES", "servers.reverb.slow_consumer_bytes"}
	n := l.number(s, int64(max(defaultSlowConsumer, 4*largest)), limits{"a size in bytes", 4096, 1 << 40})
	if v, ok := l.find(s); ok && n >= 4096 && n < int64(largest) {
		l.problem(v.from, "%d is less than the largest request or message (%d); "+
			"one such event would close every connection that gets it: raise this or lower that", n, largest)
	}
	return int(n)
}

// refuseMissingFeatures reports what an operator turned on and this version lacks: it must not be ignored silently.
func (l *loader) refuseMissingFeatures() {
	if v, ok := l.find(setting{env: "REVERB_SERVER", file: "default"}); ok && v.text != "reverb" {
		l.problem(v.from, "%s is not a server that exists; only reverb does: write reverb or remove it", v.shown())
	}
	if v, ok := l.file.values["apps.provider"]; ok && v.text != "config" {
		l.note("%s: apps come from the configuration alone; the provider %s is not asked", v.from, v.shown())
	}
}

func (l *loader) noteExposedDemo(c Config) {
	at, ok := c.exposed()
	if !ok {
		return
	}
	for _, app := range c.Apps {
		if app.Secret == demoSecret {
			l.note("app %q has the demo secret and %s can be reached from other machines: anybody may publish", app.ID, at.Host)
		}
	}
}

func (l *loader) problem(at origin, format string, args ...any) {
	l.problems = append(l.problems, fmt.Errorf("%s: %s", at, fmt.Sprintf(format, args...)))
}

func (l *loader) check(v value, err error) {
	if err != nil {
		l.problem(v.from, "%v", err)
	}
}

func (l *loader) note(format string, args ...any) {
	l.notes = append(l.notes, fmt.Sprintf(format, args...))
}
