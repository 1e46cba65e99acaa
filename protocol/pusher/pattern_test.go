package pusher_test

import (
	"regexp"
	"strings"
	"testing"

	"reverbd/protocol/pusher"
)

func TestMatchPattern(t *testing.T) {
	tests := []struct {
		name, pattern, host string
		want                bool
	}{
		{"the same", "example.com", "example.com", true},
		{"another", "example.com", "example.org", false},
		{"case matters", "example.com", "Example.com", false},
		{"a dot is a dot", "example.com", "exampleXcom", false},
		{"not a prefix", "example.com", "example.com.evil.test", false},
		{"not a suffix", "example.com", "evilexample.com", false},
		{"a star in front", "*.example.com", "www.example.com", true},
		{"a star spans labels", "*.example.com", "a.b.example.com", true},
		{"a star wants the dot beside it", "*.example.com", "example.com", false},
		{"a star may stand for nothing", "*example.com", "example.com", true},
		{"a star behind", "example.*", "example.co.uk", true},
		{"a star in the middle", "app-*.example.com", "app-7.example.com", true},
		{"two stars", "*.staging-*.test", "web.staging-7.test", true},
		{"two stars in the wrong order", "*.staging-*.test", "staging-7.web.test", false},
		{"parts may not overlap", "aba*ba", "aba", false},
		{"parts that just fit", "aba*ba", "ababa", true},
		{"a star alone", "*", "anything", true},
		{"stars alone", "**", "", true},
		{"other signs mean themselves", "[a-z]?.test", "b.test", false},
		{"an empty pattern", "", "example.com", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := pusher.MatchPattern(tt.pattern, tt.host); got != tt.want {
				t.Errorf("MatchPattern(%q, %q) = %v", tt.pattern, tt.host, got)
			}
		})
	}
}

func FuzzMatchPattern(f *testing.F) {
	f.Add("*.example.com", "www.example.com")
	f.Add("aba*ba", "aba")
	f.Add("*a*b*", "ba")
	f.Fuzz(func(t *testing.T, pattern, host string) {
		parts := strings.Split(pattern, "*")
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		re, err := regexp.Compile(`\A(?s:` + strings.Join(parts, ".*") + `)\z`)
		if err != nil || strings.ToValidUTF8(host, "") != host {
			t.Skip()
		}
		if got, want := pusher.MatchPattern(pattern, host), re.MatchString(host); got != want {
			t.Errorf("MatchPattern(%q, %q) = %v, a regular expression says %v", pattern, host, got, want)
		}
	})
}
