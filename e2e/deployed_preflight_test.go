package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"reverbd/sysctl"
)

// What deploy/ gives people is what preflight asks for.

func TestPreflightLikesNginx(t *testing.T) {
	for _, upstream := range []string{"upstream-one-node.conf", "upstream-unix-socket.conf"} {
		t.Run(upstream, func(t *testing.T) {
			etc := layNginx(t, upstream)
			connections := min(50_000, 25_000*runtime.NumCPU()) // the workers share them
			code, out := runToEnd(t, etc, nil, "preflight", "--json", "--connections", strconv.Itoa(connections),
				"--nginx", filepath.Join(etc, "nginx.conf"))
			var report struct {
				Findings []struct{ Check, Level, Found, Need, Why string }
			}
			var seen int
			if err := json.Unmarshal([]byte(out), &report); err != nil {
				t.Fatalf("exit code %d, %v: %s", code, err, out)
			}
			for _, f := range report.Findings {
				if !strings.HasPrefix(f.Check, "nginx.") {
					continue // of this machine
				}
				seen++
				if f.Level != "ok" {
					t.Errorf("%s: %s, found %s, needs %s: %s", f.Level, f.Check, f.Found, f.Need, f.Why)
				}
			}
			if seen < 5 {
				t.Errorf("only %d findings about nginx: %s", seen, out)
			}
		})
	}
}

// What deploy/ has for the other proxies that preflight reads is what it asks for. Debian's Caddy is too old for what it wants of reloads.
func TestPreflightLikesProxies(t *testing.T) {
	t.Parallel()
	etc := t.TempDir()
	at := func(name string) string { return filepath.Join(etc, name) }
	deploy(t, "haproxy/haproxy.cfg", at("haproxy.cfg"), nil)
	deploy(t, "apache/reverbd.conf", at("sites-enabled/reverbd.conf"), nil)
	deploy(t, "apache/mpm_event.conf", at("mods-enabled/mpm_event.conf"), nil)
	deploy(t, "caddy/Caddyfile", at("Caddyfile"), nil)
	must(t, os.WriteFile(at("apache2.conf"), []byte("IncludeOptional mods-enabled/*.conf\nIncludeOptional sites-enabled/*.conf\n"), 0o600))
	_, out := runToEnd(t, etc, nil, "preflight", "--json", "--connections", "5000",
		"--haproxy", at("haproxy.cfg"), "--apache", at("apache2.conf"), "--caddy", at("Caddyfile"))
	var report struct {
		Findings []struct{ Check, Level, Found, Need string }
	}
	must(t, json.Unmarshal([]byte(out), &report))
	levels := map[string]string{}
	for _, f := range report.Findings {
		if kind, _, _ := strings.Cut(f.Check, "."); kind == "haproxy" || kind == "apache" || kind == "caddy" {
			levels[f.Check] = f.Level
		}
	}
	delete(levels, "caddy.descriptors") // of a Caddy that may run here
	want := map[string]string{
		"haproxy.maxconn": "ok", "haproxy.timeout_tunnel": "ok",
		"apache.upgrade": "ok", "apache.workers": "ok", "apache.timeout": "ok", "caddy.stream_close_delay": "warning",
	}
	if !maps.Equal(levels, want) {
		t.Errorf("got %v\nwant %v\n%s", levels, want, out)
	}
}

// layNginx lays deploy/nginx out as in /etc/nginx.
func layNginx(t *testing.T, upstream string) string {
	t.Helper()
	etc := t.TempDir()
	at := func(name string) string { return filepath.Join(etc, name) }
	deploy(t, "nginx/nginx.conf", at("nginx.conf"), map[string]string{
		"/etc/nginx/conf.d/": etc + "/conf.d/", "/etc/nginx/sites-enabled/": etc + "/sites-enabled/",
	})
	deploy(t, "nginx/reverbd.conf", at("conf.d/reverbd.conf"), nil)
	deploy(t, "nginx/"+upstream, at("conf.d/reverbd-upstream.conf"), nil)
	deploy(t, "nginx/locations.conf", at("snippets/reverbd.conf"), nil)
	deploy(t, "nginx/site-tls.conf", at("sites-enabled/reverbd.conf"), map[string]string{"/etc/nginx/snippets/": etc + "/snippets/"})
	return etc
}

// The settings of the kernel in deploy/ are those that preflight wants of a fresh Debian for 50,000 connections, or more.
func TestPreflightLikesKernelSettings(t *testing.T) {
	file, err := os.ReadFile("../deploy/sysctl.d/60-reverbd.conf")
	must(t, err)
	have := kernelSettings(string(file))

	source := sysctl.Source{
		Root:   os.DirFS("../sysctl/testdata/debian"),
		Lookup: func(string) (string, bool) { return "", false },
		Clock:  func() sysctl.Clock { return sysctl.Clock{Known: true, Synchronised: true} },
	}
	need := sysctl.Need{Connections: 50_000, Loops: 2, DescriptorsEach: 1, DescriptorsLoop: 8, DescriptorsSpare: 24, MemoryEach: 1300, Port: 8080}
	changes, err := sysctl.Changes(source, sysctl.Check(sysctl.Read(source), need), need)
	must(t, err)
	var wanted map[string]string
	for _, f := range changes {
		if strings.HasSuffix(f.Path, "/60-reverbd.conf") && strings.Contains(f.Path, "sysctl.d") {
			wanted = kernelSettings(f.Content)
		}
	}
	if len(wanted) < 3 {
		t.Fatalf("preflight wants %v", wanted)
	}
	for name, want := range wanted {
		var got, least int
		_, ours := fmt.Sscan(have[name], &got)
		_, theirs := fmt.Sscan(want, &least)
		if have[name] != want && (ours != nil || theirs != nil || got < least) {
			t.Errorf("%s = %s, and preflight wants %s", name, have[name], want)
		}
	}
}

// kernelSettings reads a file of sysctl.d.
func kernelSettings(text string) map[string]string {
	settings := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			settings[strings.TrimPrefix(strings.TrimSpace(name), "-")] = strings.TrimSpace(value)
		}
	}
	return settings
}
