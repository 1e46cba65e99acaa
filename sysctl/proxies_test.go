package sysctl

import (
	"strings"
	"testing"
)

const haproxyConf = `global
    maxconn 20000 # for all
defaults web
    mode http
    timeout client 30s
    timeout server 30s
    timeout tunnel 120s
frontend clients
    bind :80
    default_backend reverbd
backend other
    server x 10.0.0.1:9000
backend reverbd
    server one 127.0.0.1:8080 check
`

const apacheConf = `ServerRoot "/etc/apache2"
Timeout 300
IncludeOptional mods/*.conf
<VirtualHost *:80>
    ServerName ws.example.com
    ProxyPass /app/ http://127.0.0.1:8080/app/ upgrade=websocket \
        disablereuse=on
    ProxyPass /apps/ http://127.0.0.1:8080/apps/
</VirtualHost>
`

const mpmConf = `<IfModule mpm_event_module>
    ServerLimit 1000
    ThreadsPerChild 64
    MaxRequestWorkers 30000
</IfModule>
`

const caddyConf = `ws.example.com {
	reverse_proxy /app/* 127.0.0.1:8080 {
		transport http {
			keepalive off
		}
		stream_close_delay 6h
	}
	reverse_proxy 127.0.0.1:9000
}
`

// What the rules say of each proxy, and that the line which they want helps.
func TestProxyRules(t *testing.T) {
	good := map[string]string{"/h": haproxyConf, "/etc/apache2/a": apacheConf, "/etc/apache2/mods/mpm.conf": mpmConf, "/c": caddyConf}
	with := func(old, replacement string) map[string]string {
		files, done := map[string]string{}, false
		for name, text := range good {
			files[name] = strings.ReplaceAll(text, old, replacement)
			done = done || files[name] != text
		}
		if !done {
			t.Fatalf("%q is nowhere", old)
		}
		return files
	}
	for _, tt := range []struct {
		name, check string
		level       Level
		files       map[string]string
		fix         string // a part of it
	}{
		{"enough", "haproxy.maxconn", OK, good, ""},
		{"too few", "haproxy.maxconn", Fatal, with("maxconn 20000", "maxconn 2000"), "maxconn 12500"},
		{"too few in the frontend", "haproxy.maxconn", Fatal, with("bind :80", "bind :80\n    maxconn 9999"), "maxconn 12500"},
		{"not set", "haproxy.maxconn", OK, with("maxconn 20000", "daemon"), ""},
		{"long", "haproxy.timeout_tunnel", OK, good, ""},
		{"too short", "haproxy.timeout_tunnel", Fatal, with("tunnel 120s", "tunnel 1m"), "timeout tunnel 180s"},
		{"in milliseconds", "haproxy.timeout_tunnel", Warning, with("tunnel 120s", "tunnel 90000"), "timeout tunnel 180s"},
		{"without it the others count", "haproxy.timeout_tunnel", Fatal, with("timeout tunnel 120s", "no option x"), "backend reverbd timeout tunnel 180s"},
		{"of the backend", "haproxy.timeout_tunnel", Fatal, with("server one", "timeout tunnel 5s\n    server one"), "timeout tunnel 180s"},
		{"of other defaults", "haproxy.timeout_tunnel", Fatal, with("backend reverbd\n", "defaults\n    timeout server 10s\nbackend reverbd\n"), "timeout tunnel 180s"},
		{"no limit at all", "haproxy.timeout_tunnel", OK, with("timeout", "# timeout"), ""},
		{"no server", "haproxy", Warning, with("127.0.0.1:8080 check", "127.0.0.1:8081"), "server one 127.0.0.1:8080"},

		{"passed on", "apache.upgrade", OK, good, ""},
		{"not passed on", "apache.upgrade", Fatal, with("upgrade=websocket ", ""), "upgrade=websocket"},
		{"by a rule", "apache.upgrade", OK, with("upgrade=websocket \\\n        disablereuse=on", "\n    RewriteRule ^/?(.*) ws://127.0.0.1:8080/$1 [P,L]"), ""},
		{"in a location", "apache.upgrade", Fatal, with("ProxyPass /app/ http://127.0.0.1:8080/app/ upgrade=websocket", "<Location /app>\n ProxyPass http://127.0.0.1:8080/app\n</Location>\n#"), "upgrade=websocket"},
		{"by a pattern", "apache.upgrade", OK, with("ProxyPass /app/ http://127.0.0.1:8080/app/", "ProxyPassMatch ^/(app/.*)$ http://127.0.0.1:8080/$1"), ""},
		{"enough", "apache.workers", OK, good, ""},
		{"too few", "apache.workers", Fatal, with("MaxRequestWorkers 30000", "MaxRequestWorkers 150"), "ServerLimit 391 MaxRequestWorkers 12500"},
		{"too few processes", "apache.workers", Fatal, with("ServerLimit 1000", "ServerLimit 16"), "ServerLimit 391"},
		{"little to spare", "apache.workers", Warning, with("MaxRequestWorkers 30000", "MaxRequestWorkers 10001"), "MaxRequestWorkers 12500"},
		{"Debian's", "apache.timeout", OK, good, ""},
		{"the default", "apache.timeout", Fatal, with("Timeout 300", "#"), "ProxyTimeout 180"},
		{"the longer one counts", "apache.timeout", OK, with("Timeout 300", "Timeout 30\nProxyTimeout 120"), ""},
		{"of the virtual host", "apache.timeout", Warning, with("ServerName ws.example.com", "Timeout 70"), "ProxyTimeout 180"},
		{"a shorter one is replaced", "apache.timeout", Warning, with("Timeout 300", "Timeout 80\nProxyTimeout 20"), "ProxyTimeout 180"},
		{"nowhere", "apache", Fatal, with(":8080/app/", ":8081/app/"), "upgrade=websocket"},

		{"a reload cuts nobody off", "caddy.stream_close_delay", OK, good, ""},
		{"a reload cuts everybody off", "caddy.stream_close_delay", Warning, with("stream_close_delay 6h", ""), "stream_close_delay 6h"},
		{"in one line", "caddy.stream_close_delay", Warning, map[string]string{"/c": ":80 {\n\treverse_proxy localhost:8080\n}\n"}, "stream_close_delay 6h"},
		{"to one of several", "caddy.stream_close_delay", OK, with("/app/* 127.0.0.1:8080 {", "/app/* {\n\t\tto http://10.0.0.1:80 http://10.0.0.2:8080"), ""},
		{"nowhere", "caddy", Fatal, with(":8080", ":8081"), "reverse_proxy /app/* 127.0.0.1:8080"},
	} {
		t.Run(tt.check+": "+tt.name, func(t *testing.T) {
			check := func(files map[string]string) Finding {
				f, n := roomy(), wanted()
				r := conf(files)
				f.HAProxy, f.Apache, f.Caddy = readHAProxy(r, "/h"), readApache(r, "/etc/apache2/a"), readCaddy(r, "/c")
				return named(t, Check(f, n), tt.check)
			}
			got := check(tt.files)
			if got.Level != tt.level {
				t.Errorf("%v, want %v: found %q, needs %q (%s)", got.Level, tt.level, got.Found, got.Need, got.Why)
			}
			checkFix(t, got, max(tt.fix, map[bool]string{true: "", false: " "}[tt.level == OK]))
			if len(got.Fixes) == 0 || got.Fixes[0].edits == nil {
				return
			}
			changed, err := Changes(Source{Root: conf(tt.files).root}, []Finding{got}, wanted())
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range changed {
				tt.files[file.Path] = file.Content
			}
			if now := check(tt.files); now.Level != OK {
				t.Errorf("with the fix: %v, found %q\n%s", now.Level, now.Found, changed[0].Content)
			}
		})
	}
}

// What cannot be read says so, and nothing else is said about that proxy.
func TestProxiesThatCannotBeRead(t *testing.T) {
	r := conf(map[string]string{"/h": "global\n  maxconn 1\n", "/loop": "Include loop\nimport ./loop\n"})
	f := roomy()
	f.HAProxy, f.Apache, f.Caddy = readHAProxy(r, "/h"), readApache(r, "/loop"), readCaddy(r, "/loop")
	for check, want := range map[string]string{
		"haproxy": "has no backend", "apache": "does a file include itself?", "caddy": "does a file include itself?",
	} {
		if got := named(t, Check(f, wanted()), check); got.Level != Fatal || !strings.Contains(got.Found, want) {
			t.Error(check, got)
		}
	}
	for _, finding := range Check(f, wanted()) {
		if strings.HasPrefix(finding.Check, "haproxy.") || strings.HasPrefix(finding.Check, "apache.") || strings.HasPrefix(finding.Check, "caddy.") {
			t.Error(finding)
		}
	}
	if missing := readHAProxy(r, "/none"); !strings.Contains(missing.Problem, "/none: file does not exist") {
		t.Error(missing.Problem)
	}
}

// Whatever a file holds, its lines are in it in order, and the places are theirs.
func FuzzConfigLines(f *testing.F) {
	for _, text := range []string{haproxyConf, apacheConf, mpmConf, caddyConf, "a \\\n b", "a 'b\n", "\\", "a\\", "# x\n\r\n\tb\r\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d := dialect{quotes: "\"'`", comments: true}
		end := 0
		for _, l := range d.split("f", text) {
			if l.from < end || l.to < l.from || l.to > len(text) || len(l.words) == 0 || l.number < 1 {
				t.Fatalf("%+v of %q", l, text)
			}
			end = l.to
		}
		r := conf(map[string]string{"/f": text})
		n := wanted()
		facts := roomy()
		facts.HAProxy, facts.Apache, facts.Caddy = readHAProxy(r, "/f"), readApache(r, "/f"), readCaddy(r, "/f")
		if _, err := Changes(Source{Root: r.root}, Check(facts, n), n); err != nil {
			t.Fatal(err)
		}
	})
}
