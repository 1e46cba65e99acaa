package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"reverbd/broadcast/redis"
)

const (
	defaultChannel    = "reverb"
	defaultQueueBytes = 32 << 20

	redisPort    = "6379"
	sentinelPort = "26379"
)

// redisNames are the variables that are read when scaling is on, and not looked at when it is off: an application's .env
// has them for its cache and its queues.
var redisNames = []string{
	"REDIS_URL", "REDIS_SCHEME", "REDIS_HOST", "REDIS_PATH", "REDIS_PORT", "REDIS_USERNAME", "REDIS_PASSWORD", "REDIS_DB", "REDIS_TIMEOUT",
	"REVERB_REDIS_CLUSTER", "REVERB_REDIS_SENTINEL_MASTER", "REVERB_REDIS_SENTINELS", "REVERB_REDIS_SENTINEL_USERNAME",
	"REVERB_REDIS_SENTINEL_PASSWORD", "REVERB_REDIS_CA_FILE", "REVERB_REDIS_CERT_FILE", "REVERB_REDIS_KEY_FILE",
	"REVERB_REDIS_SERVER_NAME", "REVERB_REDIS_VERIFY",
}

func scalingSetting(env, key string) setting {
	return setting{"", env, "servers.reverb.scaling." + key}
}

// scaling returns how this node connects to the other nodes; nil when there are none.
func (l *loader) scaling() *redis.Options {
	if !l.boolean(scalingSetting("REVERB_SCALING_ENABLED", "enabled"), false) {
		return nil
	}
	l.refuseUnknownReferences(redisNames)
	if v, ok := l.find(scalingSetting("REDIS_TIMEOUT", "server.timeout")); ok {
		l.note("%s: not used; reverbd never stops trying to reach Redis", v.from)
	}
	o := l.redis()
	o.Channel = l.channel(scalingSetting("REVERB_SCALING_CHANNEL", "channel"))
	o.QueueBytes = l.number(scalingSetting("REVERB_SCALING_QUEUE_BYTES", "queue_bytes"), defaultQueueBytes,
		limits{"a size in bytes", 64 << 10, 1 << 40})
	return o
}

// redis returns the options of the connection to Redis.
func (l *loader) redis() *redis.Options {
	o := &redis.Options{Cluster: l.boolean(scalingSetting("REVERB_REDIS_CLUSTER", "server.cluster"), false)}
	u := l.redisURL(scalingSetting("REDIS_URL", "server.url"))
	o.Username = l.settingOrURL(u.username, scalingSetting("REDIS_USERNAME", "server.username"))
	o.Password = l.settingOrURL(u.password, scalingSetting("REDIS_PASSWORD", "server.password"))
	if o.Username != "" && o.Password == "" {
		l.note("the Redis user is not used, since there is no password for him")
		o.Username = ""
	}
	o.DB = l.database(u, o.Cluster)
	l.sentinel(o)
	secure := l.locate(o, u)
	o.TLS = l.redisTLS(secure)
	return o
}

// channel returns the prefix of all keys and channels in Redis. Braces have a meaning in the keys of a Redis Cluster.
func (l *loader) channel(s setting) string {
	v, ok := l.find(s)
	if !ok {
		return defaultChannel
	}
	const most = 100
	if v.text == "" || len(v.text) > most || !utf8.ValidString(v.text) ||
		strings.ContainsFunc(v.text, func(r rune) bool { return unicode.IsControl(r) || r == '{' || r == '}' }) {
		l.problem(v.from, "%s cannot begin names in Redis; give 1 to %d bytes without braces and control characters, "+
			"such as reverb", v.shown(), most)
	}
	return v.text
}

// settingOrURL returns the value from the URL, or else from the setting. It may be a secret.
func (l *loader) settingOrURL(fromURL string, s setting) string {
	if fromURL != "" {
		return fromURL
	}
	v, _ := l.find(s)
	return v.text
}

func (l *loader) database(u redisURL, cluster bool) int {
	v, ok := l.named(scalingSetting("REDIS_DB", "server.database"))
	if u.database != "" {
		v, ok = value{text: u.database, from: u.from}, true
	}
	if !ok {
		return 0
	}
	n := int(l.numberOf(v, 0, limits{"a number of a database", 0, 1 << 20}))
	if cluster && n != 0 {
		l.problem(v.from, "a Redis Cluster has the database 0 alone; give 0, or remove it")
	}
	return n
}

// sentinel reads what Sentinels need beside their addresses.
func (l *loader) sentinel(o *redis.Options) {
	s := scalingSetting("REVERB_REDIS_SENTINEL_MASTER", "server.sentinel.master")
	v, _ := l.find(s)
	o.Master = v.text
	o.SentinelUsername = l.settingOrURL("", scalingSetting("REVERB_REDIS_SENTINEL_USERNAME", "server.sentinel.username"))
	o.SentinelPassword = l.settingOrURL("", scalingSetting("REVERB_REDIS_SENTINEL_PASSWORD", "server.sentinel.password"))
	if o.Master != "" && o.Cluster {
		l.problem(v.from, "Sentinel and Redis Cluster exclude each other; remove the master's name, or cluster")
	}
}

// locate finds the addresses and reports whether the connections are to be encrypted.
func (l *loader) locate(o *redis.Options, u redisURL) (secure bool) {
	port := redisPort
	if v, ok := l.named(scalingSetting("REDIS_PORT", "server.port")); ok {
		if n := l.numberOf(v, 6379, limits{"a port", 0, 65535}); n > 0 {
			port = fmt.Sprint(n)
		} // 0 is what Laravel's page says for a socket
	}
	scheme := l.scheme(scalingSetting("REDIS_SCHEME", "server.scheme"))
	hosts, _ := l.find(scalingSetting("REDIS_HOST", "server.host"))
	path, _ := l.find(scalingSetting("REDIS_PATH", "server.path"))
	sentinels, hasSentinels := l.find(scalingSetting("REVERB_REDIS_SENTINELS", "server.sentinel.hosts"))
	switch {
	case o.Master != "" && hasSentinels:
		hosts, port = sentinels, sentinelPort
	case hasSentinels && sentinels.text != "":
		l.problem(sentinels.from, "Sentinels are asked for a master by its name; set REVERB_REDIS_SENTINEL_MASTER, "+
			"such as mymaster, or remove this")
		return false
	case o.Master != "":
		port = sentinelPort
	case u.hosts.text != "":
		hosts = u.hosts
	case scheme == "unix" && path.text != "":
		hosts = path
	}
	if u.scheme != "" {
		scheme = u.scheme
	}
	if hosts.text == "" && !hosts.isList {
		hosts = value{text: "127.0.0.1", from: hosts.from}
	}
	addrs, its := l.addresses(hosts, port)
	o.Addrs = addrs
	if its != "" && its != "unix" && u.hosts.text == "" {
		scheme = its
	}
	l.checkKind(o, hosts, scheme)
	return scheme == "tls"
}

// checkKind reports settings that exclude each other.
func (l *loader) checkKind(o *redis.Options, hosts value, scheme string) {
	sockets := 0
	for _, a := range o.Addrs {
		if strings.HasPrefix(a, "/") {
			sockets++
		}
	}
	switch {
	case sockets > 0 && (o.Master != "" || o.Cluster):
		l.problem(hosts.from, "a unix socket leads to one Redis; give hosts for Sentinel or a Redis Cluster")
	case sockets == 0 && scheme == "unix":
		l.problem(hosts.from, "is no socket, as the scheme says; give its path, such as /run/redis/redis.sock")
	case sockets > 0 && scheme == "tls":
		l.problem(hosts.from, "there is no TLS on a unix socket; give a host, or remove the scheme")
	case len(o.Addrs) > 1 && o.Master == "" && !o.Cluster:
		l.problem(hosts.from, "has more than one host; set REVERB_REDIS_CLUSTER=true if they are a Redis Cluster, or "+
			"REVERB_REDIS_SENTINEL_MASTER if they are Sentinels")
	}
}

// schemes are the spellings that users and providers write.
var schemes = map[string]string{"tcp": "tcp", "redis": "tcp", "tls": "tls", "rediss": "tls", "ssl": "tls", "unix": "unix"}

func (l *loader) scheme(s setting) string {
	v, ok := l.find(s)
	if !ok || v.text == "" {
		return ""
	}
	scheme := schemes[strings.ToLower(v.text)]
	if scheme == "" {
		l.problem(v.from, "%s is not a scheme of Redis; give tcp, tls or unix", v.shown())
	}
	return scheme
}

// addresses brings hosts, with commas between or as a list, into the form host:port or /path, and returns the scheme that
// they have in front, as in tls://host.
func (l *loader) addresses(v value, port string) (addrs []string, scheme string) {
	parts := v.list
	if !v.isList {
		for part := range strings.SplitSeq(v.text, ",") {
			parts = append(parts, value{text: part, from: v.from})
		}
	}
	for _, part := range parts {
		addr, its, err := redisAddress(strings.TrimSpace(part.text), port)
		l.check(part, err)
		if its != "" && scheme != "" && its != scheme {
			l.problem(part.from, "the hosts have different schemes; give them one")
		}
		if its != "" {
			scheme = its
		}
		addrs = append(addrs, addr)
	}
	return addrs, scheme
}

var errNotRedisHost = errors.New("is not a host of Redis; give an IP address or a name such as redis.internal, with a port " +
	"behind a colon if it has its own, tls:// in front for TLS, or the path of a socket such as /run/redis/redis.sock")

// redisAddress never quotes the text in its error: it may hold a password in front of the host.
func redisAddress(s, port string) (addr, scheme string, err error) {
	if before, rest, ok := strings.Cut(s, "://"); ok {
		if scheme = schemes[strings.ToLower(before)]; scheme == "" {
			return "", "", errNotRedisHost
		}
		s = rest
	}
	if strings.HasPrefix(s, "/") && (scheme == "" || scheme == "unix") {
		return s, "unix", nil
	}
	host := s
	if h, p, err := net.SplitHostPort(s); err == nil {
		host, port = h, p
	}
	if host, err = bindHost(host); err != nil || scheme == "unix" {
		return "", "", errNotRedisHost
	}
	addr = net.JoinHostPort(host, port)
	if n, err := netip.ParseAddrPort(net.JoinHostPort("127.0.0.1", port)); err != nil || n.Port() == 0 {
		return "", "", errNotRedisHost
	}
	return addr, scheme, nil
}
