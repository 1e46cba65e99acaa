package apps

import (
	"regexp"
	"strings"
	"testing"
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
			if got := matchPattern(tt.pattern, tt.host); got != tt.want {
				t.Errorf("matchPattern(%q, %q) = %v", tt.pattern, tt.host, got)
			}
		})
	}
}

func TestOriginHost(t *testing.T) {
	tests := []struct{ name, origin, want string }{
		{"https", "https://example.com", "example.com"},
		{"with a port", "http://example.com:3000", "example.com"},
		{"an address", "http://127.0.0.1:3000", "127.0.0.1"},
		{"an IPv6 address", "http://[::1]:3000", "::1"},
		{"an app", "capacitor://localhost", "localhost"},
		{"none", "", ""},
		{"null", "null", ""},
		{"a bare host", "example.com", ""},
		{"no URL", "http://%zz", ""},
		{"user and password do not count", "https://allowed.test@evil.test", "evil.test"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := originHost(tt.origin); got != tt.want {
				t.Errorf("originHost(%q) = %q, want %q", tt.origin, got, tt.want)
			}
		})
	}
}

func TestOriginsAllow(t *testing.T) {
	tests := []struct {
		name     string
		patterns []string
		origin   string
		want     bool
	}{
		{"everything", []string{"*"}, "https://example.com", true},
		{"everything, without an origin", []string{"*"}, "", true},
		{"everything among others", []string{"a.test", "*"}, "null", true},
		{"one of several", []string{"a.test", "b.test"}, "https://b.test:8443", true},
		{"none of several", []string{"a.test", "b.test"}, "https://c.test", false},
		{"the scheme is not part of it", []string{"https://a.test"}, "https://a.test", false},
		{"no header", []string{"a.test"}, "", false},
		{"null", []string{"null"}, "null", false},
		{"no header, and a pattern that matches nothing else", []string{"**"}, "", false},
		{"nothing is allowed", nil, "https://a.test", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := newOrigins(tt.patterns).allow(tt.origin); got != tt.want {
				t.Errorf("allow(%q) with %q = %v", tt.origin, tt.patterns, got)
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
		if got, want := matchPattern(pattern, host), re.MatchString(host); got != want {
			t.Errorf("matchPattern(%q, %q) = %v, a regular expression says %v", pattern, host, got, want)
		}
	})
}
