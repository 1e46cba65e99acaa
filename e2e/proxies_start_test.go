package e2e

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// How each proxy is started from its files in deploy/, and how it reads them again.

// place is where a proxy has its configuration, and where it listens.
type place struct {
	dir  string
	port int
}

func newPlace(t *testing.T) place {
	t.Helper()
	return place{t.TempDir(), freePort(t)}
}

func (p place) at(name string) string { return filepath.Join(p.dir, name) }

func (p place) listen() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port)) }

func (p place) front() *server { return &server{port: p.port} }

// write writes a file of the configuration.
func (p place) write(t *testing.T, name, text string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(p.at(name)), 0o755))
	must(t, os.WriteFile(p.at(name), []byte(text), 0o644))
}

// change replaces a text in a file of the configuration.
func (p place) change(t *testing.T, name, old, replacement string) {
	t.Helper()
	text, err := os.ReadFile(p.at(name))
	must(t, err)
	if !strings.Contains(string(text), old) {
		t.Fatalf("%s does not contain %q:\n%s", name, old, text)
	}
	p.write(t, name, strings.Replace(string(text), old, replacement, 1))
}

// signal has the program read its configuration again.
func (p *program) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	must(t, p.cmd.Process.Signal(s))
}

func nginxInFront(t *testing.T, s *server) *proxied {
	setup := oneNode(s)
	setup.times = map[string]string{"proxy_read_timeout 120s": "proxy_read_timeout 5s"}
	n := startNginx(t, setup)
	return &proxied{program: n.program, front: n.front(), reload: n.reload, reloaded: func() bool { return true }}
}

func haproxyInFront(t *testing.T, s *server) *proxied {
	h := startHAProxy(t, s, s, newAuthority(t), map[string]string{"timeout tunnel 120s": "timeout tunnel 5s"})
	return &proxied{program: h.program, front: h.front(), reload: func(t *testing.T) {
		h.change(t, "haproxy.cfg", "default_backend reverbd", "default_backend reverbd\n    http-request return status 410 if { path /reloaded }")
		h.signal(t, syscall.SIGUSR2)
	}}
}

func startApache(t *testing.T, s *server) *proxied {
	p := newPlace(t)
	deploy(t, "apache/reverbd.conf", p.at("reverbd.conf"), map[string]string{
		"127.0.0.1:8080": s.addr(), "*:80>": "*:*>", "Timeout 120": "Timeout 5",
	})
	deploy(t, "apache/mpm_event.conf", p.at("mpm_event.conf"), nil)
	main := "ServerRoot " + p.dir + "\nDefaultRuntimeDir " + p.dir + "\nPidFile apache.pid\nErrorLog /dev/stderr\nUser www-data\nGroup www-data\n" +
		"Listen " + p.listen() + "\nServerName localhost\n"
	for _, name := range []string{"mpm_event", "authz_core", "alias", "headers", "proxy", "proxy_http", "rewrite"} {
		main += "LoadModule " + name + "_module /usr/lib/apache2/modules/mod_" + name + ".so\n"
	}
	p.write(t, "apache2.conf", main+"Include mpm_event.conf\nInclude reverbd.conf\n")
	r := startProgram(t, p.dir, "apache2", "-f", p.at("apache2.conf"), "-D", "FOREGROUND")
	return &proxied{program: r, front: p.front(), reload: func(t *testing.T) {
		p.change(t, "reverbd.conf", "ProxyRequests Off", "Redirect 410 /reloaded\n    ProxyRequests Off")
		r.signal(t, syscall.SIGUSR1)
	}}
}

func startCaddy(t *testing.T, s *server) *proxied {
	p := newPlace(t)
	deploy(t, "caddy/Caddyfile", p.at("Caddyfile"), map[string]string{
		"127.0.0.1:8080": s.addr(), "ws.example.com {": "{\n\tadmin unix/" + p.at("admin.sock") + "\n\tstorage file_system " + p.dir +
			"\n}\nhttp://" + p.listen() + " {",
	})
	r := startProgram(t, p.dir, "env", "XDG_CONFIG_HOME="+p.dir, "caddy", "run", "--config", p.at("Caddyfile"))
	return &proxied{program: r, front: p.front(), reload: func(t *testing.T) {
		p.change(t, "Caddyfile", "handle /up {", "respond /reloaded 410\n\thandle /up {")
		run(t, p.dir, "caddy", "reload", "--config", p.at("Caddyfile"), "--address", "unix/"+p.at("admin.sock"))
	}}
}

func startLighttpd(t *testing.T, s *server) *proxied {
	p := newPlace(t)
	deploy(t, "lighttpd/50-reverbd.conf", p.at("50-reverbd.conf"), map[string]string{
		`"port" => 8080`: fmt.Sprintf(`"port" => %d`, s.port), "server.max-read-idle = 120": "server.max-read-idle = 5",
		"server.max-fds         = 131072": "server.max-fds = 4096", "server.max-connections = 65536": "server.max-connections = 2048",
	})
	p.write(t, "lighttpd.conf", fmt.Sprintf("server.document-root = %q\nserver.bind = \"127.0.0.1\"\nserver.port = %d\nserver.pid-file = %q\n"+
		"include %q\n", p.dir, p.port, p.at("pid"), p.at("50-reverbd.conf")))
	r := startProgram(t, p.dir, "lighttpd", "-D", "-f", p.at("lighttpd.conf"))
	return &proxied{program: r, front: p.front(), reload: func(t *testing.T) {
		p.change(t, "lighttpd.conf", "include", "$HTTP[\"url\"] == \"/reloaded\" { url.access-deny = ( \"\" ) }\nserver.modules += ( \"mod_access\" )\ninclude")
		r.signal(t, syscall.SIGUSR1)
	}}
}

func startVarnish(t *testing.T, s *server) *proxied {
	p := newPlace(t)
	deploy(t, "varnish/reverbd.vcl", p.at("default.vcl"), map[string]string{`.port = "8080"`: fmt.Sprintf(`.port = "%d"`, s.port)})
	r := startProgram(t, p.dir, "varnishd", "-F", "-j", "none", "-n", p.at("work"), "-a", p.listen(), "-f", p.at("default.vcl"),
		"-s", "malloc,16m", "-p", "pipe_timeout=5", "-p", "thread_pool_min=10")
	return &proxied{program: r, front: p.front(), reload: func(t *testing.T) {
		p.change(t, "default.vcl", "sub vcl_recv {", "sub vcl_recv {\n    if (req.url == \"/reloaded\") { return (synth(410)); }")
		run(t, p.dir, "varnishadm", "-n", p.at("work"), "vcl.load", "again", p.at("default.vcl"))
		run(t, p.dir, "varnishadm", "-n", p.at("work"), "vcl.use", "again")
	}}
}

func startTrafficServer(t *testing.T, s *server) *proxied {
	p := newPlace(t)
	layout := "prefix: " + p.dir + "\nexec_prefix: " + p.dir + "\nbindir: /usr/bin\nsbindir: /usr/bin\nincludedir: /usr/include\n" +
		"libdir: /usr/lib/trafficserver\nlibexecdir: /usr/lib/trafficserver/modules\n"
	for name, dir := range map[string]string{
		"sysconfdir": "etc", "datadir": "data", "localstatedir": "var", "runtimedir": "run", "logdir": "log", "cachedir": "cache",
	} {
		must(t, os.MkdirAll(p.at(dir), 0o755))
		layout += name + ": " + p.at(dir) + "\n"
	}
	p.write(t, "runroot.yaml", layout)
	system, err := filepath.Glob("/etc/trafficserver/*")
	must(t, err)
	for _, file := range system {
		if text, err := os.ReadFile(file); err == nil { // not the directory with the pages of errors
			p.write(t, "etc/"+filepath.Base(file), string(text))
		}
	}
	p.write(t, "etc/storage.config", "")
	deploy(t, "trafficserver/records.config", p.at("ours"), map[string]string{
		"server_ports STRING 80\n":              fmt.Sprintf("server_ports STRING %d:ip-in=127.0.0.1\n", p.port),
		"websocket.no_activity_timeout INT 120": "websocket.no_activity_timeout INT 5",
		"connections_throttle INT 100000":       "connections_throttle INT 4000",
	})
	ours, err := os.ReadFile(p.at("ours"))
	must(t, err)
	theirs, err := os.ReadFile(p.at("etc/records.config"))
	must(t, err)
	p.write(t, "etc/records.config", string(theirs)+string(ours)+"CONFIG proxy.config.bin_path STRING /usr/bin\n"+
		"CONFIG proxy.config.crash_log_helper STRING NULL\nCONFIG proxy.config.admin.user_id STRING #-1\n") // the later line counts
	deploy(t, "trafficserver/remap.config", p.at("etc/remap.config"), map[string]string{
		"127.0.0.1:8080": s.addr(), "ws.example.com": p.listen(),
	})
	deploy(t, "trafficserver/forwarded.config", p.at("etc/forwarded.config"), nil)
	r := startProgram(t, p.dir, "traffic_manager", "--run-root="+p.at("runroot.yaml"))
	return &proxied{program: r, front: p.front(), reload: func(t *testing.T) {
		p.change(t, "etc/remap.config", "map http://"+p.listen()+"/up", "redirect http://"+p.listen()+"/reloaded http://localhost/\nmap http://"+p.listen()+"/up")
		run(t, p.dir, "traffic_ctl", "--run-root="+p.at("runroot.yaml"), "config", "reload")
	}}
}

func startHitch(t *testing.T, s *server) *proxied {
	p, ca := newPlace(t), newAuthority(t)
	ca.bundle(t, p.at("both.pem"), "ws.example.com")
	swaps := map[string]string{
		`"[*]:443"`: fmt.Sprintf(`"[127.0.0.1]:%d"`, p.port), `"[127.0.0.1]:8080"`: fmt.Sprintf(`"[::1]:%d"`, s.port),
		"/etc/hitch/ws.example.com.pem": p.at("both.pem"),
	}
	if os.Geteuid() != 0 { // as root it must have these
		swaps["user = \"_hitch\"\ngroup = \"_hitch\"\n"] = ""
	}
	deploy(t, "hitch/hitch.conf", p.at("hitch.conf"), swaps)
	r := startProgram(t, p.dir, "hitch", "--config="+p.at("hitch.conf"))
	trust := &tls.Config{RootCAs: ca.pool, ServerName: "ws.example.com"}
	var before string
	return &proxied{program: r, front: p.front(), trust: trust, reload: func(t *testing.T) {
		before = serial(p.listen(), trust)
		ca.bundle(t, p.at("both.pem"), "ws.example.com")
		r.signal(t, syscall.SIGHUP)
	}, reloaded: func() bool { now := serial(p.listen(), trust); return now != "" && now != before }}
}

// serial is that of the certificate at an address, "" if nobody speaks TLS there.
func serial(addr string, trust *tls.Config) string {
	conn, err := tls.Dial("tcp", addr, trust)
	if err != nil {
		return ""
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
}
