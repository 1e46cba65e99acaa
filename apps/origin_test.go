package apps

import "testing"

// The host of an Origin header is what counts, whatever is around it.
func TestOriginHost(t *testing.T) {
	tests := []struct{ name, origin, host string }{
		{"https", "https://example.com", "example.com"},
		{"with a port", "http://example.com:3000", "example.com"},
		{"an address", "http://127.0.0.1:3000", "127.0.0.1"},
		{"an IPv6 address", "http://[::1]:3000", "::1"},
		{"an IPv6 address in brackets", "http://[::1]:3000", "[::1]"},
		{"an app", "capacitor://localhost", "localhost"},
		{"user and password do not count", "https://allowed.test@evil.test", "evil.test"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if !newOrigins([]string{tt.host}).allow(tt.origin) {
				t.Errorf("%q is not allowed %q", tt.host, tt.origin)
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
		{"a bare host", []string{"a.test"}, "a.test", false},
		{"no URL", []string{"*.test"}, "http://%zz", false},
		{"a scheme", []string{"https://a.test"}, "https://a.test", true},
		{"a scheme, and its port in full", []string{"https://a.test"}, "https://a.test:443", true},
		{"another scheme", []string{"https://a.test"}, "http://a.test", false},
		{"a scheme means its port", []string{"https://a.test"}, "https://a.test:8443", false},
		{"a scheme and a port", []string{"https://a.test:8443"}, "https://a.test:8443", true},
		{"a scheme and another port", []string{"https://a.test:8443"}, "https://a.test", false},
		{"a scheme and any port", []string{"https://*.a.test:*"}, "https://x.a.test:9", true},
		{"a port", []string{"localhost:3000"}, "http://localhost:3000", true},
		{"another port", []string{"localhost:3000"}, "http://localhost:3001", false},
		{"the port of the scheme", []string{"a.test:443"}, "https://a.test", true},
		{"a scheme of apps", []string{"capacitor://localhost"}, "capacitor://localhost", true},
		{"an IPv6 address with a port", []string{"http://[::1]:3000"}, "http://[::1]:3000", true},
		{"an IPv6 address with another port", []string{"[::1]:3000"}, "http://[::1]", false},
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
