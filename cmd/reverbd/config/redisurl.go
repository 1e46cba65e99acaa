package config

import (
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"
)

// redisURL holds the parts of a Redis URL. A part that is missing is empty, and is then taken from its own setting, as Laravel
// does.
type redisURL struct {
	scheme             string // "tcp", "tls" or "unix"
	hosts              value  // host, host:port or /path
	username, password string
	database           string
	from               origin
}

// errNotRedisURL does not quote the URL, which may hold a password.
var errNotRedisURL = errors.New("is not a URL of Redis; give redis://user:password@host:6379/0, rediss:// for TLS, or " +
	"unix:///run/redis/redis.sock; in user and password write /, ?, #, : and % as %2F, %3F, %23, %3A and %25")

func (l *loader) redisURL(s setting) redisURL {
	v, ok := l.find(s)
	if !ok || v.text == "" {
		return redisURL{}
	}
	u, unused, err := parseRedisURL(v.text)
	if err != nil {
		l.check(v, err)
		return redisURL{scheme: "tcp", hosts: value{text: "127.0.0.1", from: v.from}} // one problem is enough
	}
	if len(unused) > 0 {
		l.note("%s: ignored, since it is not for this server: %s", v.from, strings.Join(unused, ", "))
	}
	u.from, u.hosts.from = v.from, v.from
	return u
}

// parseRedisURL also returns the names of the parameters that it ignores.
func parseRedisURL(text string) (r redisURL, unused []string, err error) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil {
		return r, nil, errNotRedisURL
	}
	r.scheme = schemes[u.Scheme]
	r.username = u.User.Username()
	r.password, _ = u.User.Password()
	switch {
	case r.scheme == "" || u.Opaque != "" || u.Fragment != "":
		return r, nil, errNotRedisURL
	case r.scheme == "unix":
		if u.Host != "" || len(u.Path) < 2 {
			return r, nil, errNotRedisURL
		}
		r.hosts.text = u.Path
	default:
		if u.Hostname() == "" || strings.Contains(u.Host, ",") {
			return r, nil, errNotRedisURL
		}
		r.hosts.text = u.Hostname()
		if u.Port() != "" {
			r.hosts.text = net.JoinHostPort(u.Hostname(), u.Port())
		}
		r.database = strings.Trim(u.Path, "/")
	}
	for name, values := range u.Query() {
		if name == "db" || name == "database" {
			r.database = values[0]
			continue
		}
		unused = append(unused, printable(name))
	}
	slices.Sort(unused)
	return r, unused, nil
}
