package listen

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]Address{
		"127.0.0.1:8080":                           {Host: "127.0.0.1", Port: 8080},
		"[::1]:8080":                               {Host: "::1", Port: 8080},
		":8080":                                    {Port: 8080},
		"localhost:1":                              {Host: "localhost", Port: 1},
		"unix:/run/r.sock":                         {Path: "/run/r.sock", Mode: 0o660},
		"unix:///run/r.sock":                       {Path: "/run/r.sock", Mode: 0o660},
		"unix:/run/r.sock?mode=0600":               {Path: "/run/r.sock", Mode: 0o600},
		"unix:/run/r.sock?owner=root:root":         {Path: "/run/r.sock", Mode: 0o660, Owner: "root:root"},
		"unix:/run/r.sock?mode=666&owner=:0":       {Path: "/run/r.sock", Mode: 0o666, Owner: ":0"},
		"unix:/run/r.sock?owner=12345&mode=000660": {Path: "/run/r.sock", Mode: 0o660, Owner: "12345"},
	} {
		if got, err := Parse(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, tells := range map[string]string{
		"":                                  "127.0.0.1:8080",
		"8080":                              "127.0.0.1:8080",
		"::1:8080":                          "127.0.0.1:8080",
		"127.0.0.1:0":                       "port",
		"127.0.0.1:65536":                   "port",
		"a b:8080":                          "host",
		"127.0.0.1:http":                    "port",
		"http://127.0.0.1:8080":             "127.0.0.1:8080",
		"unix:":                             "absolute path",
		"unix:r.sock":                       "absolute path",
		"unix:/run/":                        "absolute path",
		"unix:/run/r?mode=rw":               "octal",
		"unix:/run/r?mode=7777":             "octal",
		"unix:/run/r?owner=no-such-u!":      "user",
		"unix:/run/r?owner=:no-such!":       "group",
		"unix:/run/r?user=x":                "mode and owner",
		"unix:/run/r?%zz":                   "mode=0660",
		"unix:/" + strings.Repeat("x", 108): "103",
	} {
		if got, err := Parse(text); err == nil || !strings.Contains(err.Error(), tells) {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
}
