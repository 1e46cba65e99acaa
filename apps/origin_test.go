package apps

import "testing"

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
