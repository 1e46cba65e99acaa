package pusher

import "strings"

// MatchPattern reports whether s is what the pattern describes: "*" in it stands for any run of characters, none included. Case
// counts. It matches the literal parts between the stars from left to right, in time linear in both lengths times the number of
// stars.
func MatchPattern(pattern, s string) bool {
	head, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == s
	}
	s, ok := strings.CutPrefix(s, head)
	if !ok {
		return false
	}
	for {
		part, next, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(s, part)
		}
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s, rest = s[i+len(part):], next
	}
}
