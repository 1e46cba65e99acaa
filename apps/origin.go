package apps

import (
	"net/url"

	"reverbd/protocol/pusher"
)

// origins is the allowed_origins of an app: patterns for the host of the Origin header, without scheme and port. "*" in
// a pattern stands for any run of characters, none included; the comparison is case-sensitive, as in Reverb.
type origins struct {
	any      bool
	patterns []string
}

func newOrigins(patterns []string) origins {
	o := origins{patterns: patterns}
	for _, p := range patterns {
		if p == "*" {
			o.any = true
		}
	}
	return o
}

// allow reports whether a connection with that Origin header may be made. A missing header and "null" have no host.
func (o origins) allow(origin string) bool {
	if o.any {
		return true
	}
	host := originHost(origin)
	if host == "" {
		return false
	}
	for _, p := range o.patterns {
		if pusher.MatchPattern(p, host) {
			return true
		}
	}
	return false
}

func originHost(origin string) string {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme == "" {
		return ""
	}
	return u.Hostname()
}
