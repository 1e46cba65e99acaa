package pusher_test

import (
	"testing"

	"reverbd/protocol/pusher"
)

func TestMatchPattern(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"news", "news", true},
		{"news", "news2", false},
		{"*", "", true},
		{"presence-*", "presence-room", true},
		{"presence-*", "presence-", true},
		{"presence-*", "private-room", false},
		{"*-room", "presence-room", true},
		{"a*a", "a", false}, // the parts do not overlap
		{"a*b*c", "a1b2b3c", true},
		{"a*b*c", "a1b2b3", false},
		{"News", "news", false},
	} {
		if got := pusher.MatchPattern(c.pattern, c.s); got != c.want {
			t.Errorf("MatchPattern(%q, %q) = %v", c.pattern, c.s, got)
		}
	}
}
