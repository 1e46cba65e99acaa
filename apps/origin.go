package apps

import (
	"net/url"
	"strings"

	"reverbd/protocol/pusher"
)

// origins is the allowed_origins of an app. The comparison is case-sensitive, as in Reverb.
type origins struct {
	any      bool
	patterns []originPattern
}

// originPattern is a pattern for the Origin header: [scheme://]host[:port]. "*" in the host stands for any run of characters, none
// included; the port may be "*", any one. Without a scheme and a port only the host is compared, as in Reverb. With a scheme the port
// is compared too: it is the scheme's own where none is given.
type originPattern struct{ scheme, host, port string }

func newOrigins(patterns []string) origins {
	var o origins
	for _, p := range patterns {
		if p == "*" {
			o.any = true
		}
		o.patterns = append(o.patterns, parseOriginPattern(p))
	}
	return o
}

func parseOriginPattern(s string) (p originPattern) {
	scheme, rest, ok := strings.Cut(s, "://")
	if ok {
		p.scheme = scheme
	} else {
		rest = s
	}
	p.host = rest
	colon := strings.LastIndexByte(rest, ':')
	bare := strings.Count(rest, ":") > 1 && !strings.HasPrefix(rest, "[") // an IPv6 address without brackets
	if colon > strings.LastIndexByte(rest, ']') && !bare {
		p.host, p.port = rest[:colon], rest[colon+1:]
	} else if ok {
		p.port = defaultPort(scheme)
	}
	p.host = strings.Trim(p.host, "[]")
	return p
}

// defaultPort is the port that a browser leaves out of an origin; "" for schemes without one, such as capacitor.
func defaultPort(scheme string) string {
	switch scheme {
	case "http":
		return "80"
	case "https":
		return "443"
	}
	return ""
}

func (p originPattern) match(u *url.URL) bool {
	if !pusher.MatchPattern(p.host, u.Hostname()) || p.scheme != "" && p.scheme != u.Scheme {
		return false
	}
	port := u.Port()
	if port == "" {
		port = defaultPort(u.Scheme)
	}
	return p.port == port || p.port == "*" || p.port == "" && p.scheme == ""
}

// allow reports whether a connection with that Origin header may be made. A missing header and "null" have no host.
func (o origins) allow(origin string) bool {
	if o.any {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil || u.Scheme == "" || u.Hostname() == "" {
		return false
	}
	for _, p := range o.patterns {
		if p.match(u) {
			return true
		}
	}
	return false
}
