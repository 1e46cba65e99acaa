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
	"unix:///run/redis/redis.sock; in user and password write /, ? and # as %2F, %3F and %23")

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

// cutUserInfo takes user and password out of a URL, as PHP's parse_url finds them and its rawurldecode reads them: everything up to the last @
// of the authority, in which /, ? and # alone have to be escaped, and a % that begins no escape is text. net/url refuses such passwords.
func cutUserInfo(text string) (rest, username, password string) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return text, "", ""
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	at := strings.LastIndexByte(rest[:end], '@')
	if at < 0 {
		return text, "", ""
	}
	username, password, _ = strings.Cut(rest[:at], ":")
	return scheme + "://" + rest[at+1:], decodePercent(username), decodePercent(password)
}

// decodePercent decodes what is an escape and leaves everything else as it is.
func decodePercent(s string) string {
	var out strings.Builder
	for s != "" {
		if len(s) >= 3 && s[0] == '%' {
			if decoded, err := url.PathUnescape(s[:3]); err == nil {
				out.WriteString(decoded)
				s = s[3:]
				continue
			}
		}
		out.WriteByte(s[0])
		s = s[1:]
	}
	return out.String()
}

// parseRedisURL also returns the names of the parameters that it ignores.
func parseRedisURL(text string) (r redisURL, unused []string, err error) {
	text, r.username, r.password = cutUserInfo(strings.TrimSpace(text))
	u, err := url.Parse(text)
	if err != nil {
		return r, nil, errNotRedisURL
	}
	r.scheme = schemes[u.Scheme]
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
		switch name {
		case "db", "database":
			r.database = values[0]
		case "username":
			r.username = values[0]
		case "password":
			r.password = values[0]
		default:
			unused = append(unused, printable(name))
		}
	}
	slices.Sort(unused)
	return r, unused, nil
}
