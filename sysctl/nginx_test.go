package sysctl

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// conf is a machine that has these files, and only them.
func conf(files map[string]string) reader {
	root := make(fstest.MapFS)
	for name, text := range files {
		root[inRoot(name)] = &fstest.MapFile{Data: []byte(text)}
	}
	return reader{root}
}

// outline writes directives in one line, without what is not needed.
func outline(block []*directive) string {
	var parts []string
	for _, d := range block {
		part := d.name
		for _, a := range d.args {
			part += " " + a
		}
		if d.body > 0 {
			part += " {" + outline(d.block) + "}"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "; ")
}

func TestNginxParses(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"nothing", " \n# only a comment", ""},
		{"words", "user www-data;worker_processes\n\tauto ;", "user www-data; worker_processes auto"},
		{"blocks", "http { server { listen 80; } server{} }", "http {server {listen 80}; server {}}"},
		{"comments", "a 1; # b 2; {\nc#d 3;#", "a 1; c#d 3"},
		{"quotes", `log_format main '$a "$b" \'c\'' "d;{}#";`, `log_format main $a "$b" 'c' d;{}#`},
		{"an expression", `location ~ "^/a{2}\.php$" { }`, `location ~ ^/a{2}\.php$ {}`},
		{"a variable in braces", "set $a ${b}c;", "set $a ${b}c"},
		{"escapes", `a \;b \" c\ d;`, `a \;b " c\ d`},
		{"Lua", "location / { content_by_lua_block { if a then { b = \"}\" .. [[{]] } end } deny all; }", "location / {content_by_lua_block; deny all}"},
		{"an include", "a 1; include b.conf; d 4;", "a 1; b 2; c 3; d 4"},
		{"a pattern", "include conf.d/*.conf; include none/*;", "x 1; y 2"},
		{"an absolute name", "include /srv/e;", "e 5"},
	}
	files := map[string]string{
		"/etc/nginx/b.conf": "b 2; include sub/c.conf;", "/etc/nginx/sub/c.conf": "c 3;", "/srv/e": "e 5;",
		"/etc/nginx/conf.d/2.conf": "y 2;", "/etc/nginx/conf.d/1.conf": "x 1;", "/etc/nginx/conf.d/.3.conf": "}", "/etc/nginx/conf.d/4.off": "}",
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files["/etc/nginx/nginx.conf"] = tt.text
			root, err := parseNginx(conf(files), "/etc/nginx/nginx.conf")
			if err != nil {
				t.Fatal(err)
			}
			if got := outline(root.block); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestNginxRefuses(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"an open block", "a;\nhttp {\n", "/n.conf, line 2: http is not closed with }"},
		{"an open quote", "a;\nb 'c;\n", "/n.conf, line 2: the quote is not closed"},
		{"no semicolon", "a\nb }", "line 1: a is not ended with ;"},
		{"a brace too many", "a;\n}", "line 2: there is a } too many"},
		{"a semicolon too many", "a;;", "there is a ; too many"},
		{"a file that is not there", "include b;", "/b: file does not exist"},
		{"itself", "include n.conf;", "does a file include itself?"},
		{"depth", strings.Repeat("a{", 100), "nested too deep"},
		{"Lua that is open", "x_by_lua_block { {", "the block is not closed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parseNginx(conf(map[string]string{"/n.conf": tt.text}), "/n.conf")
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q in it", err, tt.want)
			}
		})
	}
}

// Whatever stands in a file, it is read or refused, and what is read can be found again at its place.
func FuzzNginx(f *testing.F) {
	f.Add("user www-data;\nevents { worker_connections 768; }\nhttp { include n.conf; server { location ~ \\.php$ { a 'b'; } } }", "c ${d};")
	f.Add("a_by_lua_block { } }", "include *;")
	f.Fuzz(func(t *testing.T, text, other string) {
		r := conf(map[string]string{"/n.conf": text, "/o.conf": other})
		root, err := parseNginx(r, "/n.conf")
		if err != nil {
			return
		}
		var walk func([]*directive)
		walk = func(block []*directive) {
			for _, d := range block {
				src := map[string]string{"/n.conf": text, "/o.conf": other}[d.file]
				if d.from < 0 || d.to > len(src) || d.from >= d.to || !strings.ContainsAny(src[d.to-1:d.to], ";}") {
					t.Fatalf("%q is at %d to %d of %q", d.name, d.from, d.to, src)
				}
				walk(d.block)
			}
		}
		walk(root.block)
		facts, need := roomy(), wanted()
		facts.Nginx = readNginx(r, "/n.conf")
		findings := Check(facts, need)
		if _, err := Changes(Source{Root: r.root}, findings, need); err != nil {
			t.Fatal(err)
		}
	})
}

// serverOf is a configuration that has these lines in its server.
func serverOf(lines string) map[string]string {
	return map[string]string{"/n.conf": `worker_processes 2; worker_rlimit_nofile 30000;
events { worker_connections 30000; }
http {
    upstream nodes { server 127.0.0.1:8080; server 127.0.0.2:8080; server 127.0.0.3:8080 down; }
    upstream sockets { server unix:/run/reverbd.sock; }
    server {
        listen 80 backlog=16384;
` + lines + `
    }
}`}
}

const upgrades = "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; proxy_read_timeout 2m; "

// Where a request arrives, as nginx decides it.
func TestNginxRoutes(t *testing.T) {
	tests := []struct {
		name, lines, path string
		app, api          string // addresses that they go to, "" if nothing passes them on
	}{
		{"one location for all", "location / { proxy_pass http://127.0.0.1:8080; }", "", "127.0.0.1:8080", "127.0.0.1:8080"},
		{"a prefix without a slash has both", "location /app { proxy_pass http://127.0.0.1:8080; }", "", "127.0.0.1:8080", "127.0.0.1:8080"},
		{"a prefix with a slash has one", "location /app/ { proxy_pass http://127.0.0.1:8080; }", "", "127.0.0.1:8080", ""},
		{"an expression wins", "location /app/ { return 404; } location ~ ^/apps?/ { proxy_pass http://127.0.0.1:8080; }", "", "127.0.0.1:8080", "127.0.0.1:8080"},
		{"but not over ^~", "location ^~ /app/ { root /x; } location ~* ^/APPS?/ { proxy_pass http://127.0.0.1:8080; }", "", "", "127.0.0.1:8080"},
		{"the longest prefix", "location / { proxy_pass http://127.0.0.1:9000; } location /app { proxy_pass http://127.0.0.1:8080; }", "", "127.0.0.1:8080", "127.0.0.1:8080"},
		{"an exact one", "location = /app { return 404; } location /app { proxy_pass http://127.0.0.1:8080; }", "", "127.0.0.1:8080", "127.0.0.1:8080"},
		{"within another", "location / { root /x; location /app { proxy_pass http://nodes; } }", "", "127.0.0.1:8080 127.0.0.2:8080", "127.0.0.1:8080 127.0.0.2:8080"},
		{"by try_files", "location / { try_files $uri @node; } location @node { proxy_pass http://sockets; }", "", "unix:/run/reverbd.sock", "unix:/run/reverbd.sock"},
		{"by if", "location / { if ($http_upgrade = websocket) { proxy_pass http://127.0.0.1:8080; } }", "", "127.0.0.1:8080", "127.0.0.1:8080"},
		{"a redirect", "return 301 https://$host$request_uri; location / { proxy_pass http://127.0.0.1:8080; }", "", "", ""},
		{"a socket", "location / { proxy_pass http://unix:/run/r.sock; }", "", "unix:/run/r.sock", "unix:/run/r.sock"},
		{"below a prefix", "location /ws/ { proxy_pass http://127.0.0.1:8080; }", "/ws", "127.0.0.1:8080", "127.0.0.1:8080"},
		{"below a prefix that is removed", "location /ws/ { proxy_pass http://127.0.0.1:8080/; }", "", "127.0.0.1:8080", "127.0.0.1:8080"},
		{"a variable", "location / { proxy_pass http://$node; }", "", "$node", "$node"},
		{"nothing", "location / { root /x; }", "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := readNginx(conf(serverOf(tt.lines)), "/n.conf")
			if n.Problem != "" {
				t.Fatal(n.Problem)
			}
			need := Need{Path: tt.path}
			for want, path := range map[*string]string{&tt.app: need.appPath(), &tt.api: need.apiPath()} {
				got := ""
				if route := n.Route(path, 8080); route != nil {
					got = strings.Join(route.Servers, " ")
				}
				if got != *want {
					t.Errorf("%s goes to %q, want %q", path, got, *want)
				}
			}
		})
	}
}

// Every rule about nginx at every level that it has; and when its fix is made, it has nothing more to say.
func TestNginxRules(t *testing.T) {
	pass := upgrades + "proxy_pass http://127.0.0.1:8080; "
	good := serverOf("location /app { " + pass + "}")
	with := func(old, text string) map[string]string {
		return map[string]string{"/n.conf": strings.ReplaceAll(good["/n.conf"], old, text)}
	}
	tests := []struct {
		name  string
		check string
		level Level
		files map[string]string
		fix   string
	}{
		{"not there", "nginx", Fatal, nil, "--nginx"},
		{"a site alone", "nginx", Fatal, map[string]string{"/n.conf": "server { }"}, "main file"},

		{"enough", "nginx.worker_rlimit_nofile", OK, good, ""},
		{"not when uneven", "nginx.worker_rlimit_nofile", Warning, with("rlimit_nofile 30000", "rlimit_nofile 15000"), "worker_rlimit_nofile 15104;"},
		{"too few", "nginx.worker_rlimit_nofile", Fatal, with("rlimit_nofile 30000", "rlimit_nofile 10063"), "worker_rlimit_nofile 15104;"},
		{"not set", "nginx.worker_rlimit_nofile", Fatal, with("worker_rlimit_nofile 30000;", ""), "worker_rlimit_nofile 15104;"},
		{"one worker a CPU", "nginx.worker_rlimit_nofile", OK, with("worker_processes 2", "worker_processes auto"), ""},

		{"enough", "nginx.worker_connections", OK, good, ""},
		{"not when uneven", "nginx.worker_connections", Warning, with("connections 30000", "connections 10731"), "worker_connections 15040;"},
		{"too few", "nginx.worker_connections", Fatal, with("connections 30000", "connections 10730"), "worker_connections 15040;"},
		{"the default", "nginx.worker_connections", Fatal, with("worker_connections 30000;", ""), "worker_connections 15040;"},

		{"enough", "nginx.backlog", OK, good, ""},
		{"the default", "nginx.backlog", Warning, with(" backlog=16384", ""), "listen 80 backlog=16384;"},
		{"one of each worker", "nginx.backlog", OK, with("backlog=16384", "reuseport backlog=5000"), ""},
		{"several listeners", "nginx.backlog", Warning, with("listen 80 backlog=16384;", "listen 80; listen [::]:80;"), ""},

		{"there", "nginx.app", OK, good, ""},
		{"not there", "nginx.app", Fatal, with("location /app ", "location /apps/ "), "snippets/reverbd.conf"},
		{"to something else", "nginx.app", Warning, with("127.0.0.1:8080; }", "127.0.0.1:9000; }"), "--port"},
		{"the path is cut off", "nginx.app", Fatal, with("127.0.0.1:8080; }", "127.0.0.1:8080/; }"), "proxy_pass http://127.0.0.1:8080;"},
		{"there", "nginx.apps", OK, good, ""},
		{"not there", "nginx.apps", Warning, with("location /app ", "location /app/ "), "location ~ ^/apps/ {"},

		{"there", "nginx.upgrade", OK, good, ""},
		{"by a map", "nginx.upgrade", OK, with("Connection upgrade", "Connection $c"), ""},
		{"an old version", "nginx.upgrade", Fatal, with("version 1.1", "version 1.0"), "proxy_http_version 1.1;"},
		{"no version", "nginx.upgrade", Fatal, with("proxy_http_version 1.1;", ""), "proxy_http_version 1.1;"},
		{"no headers", "nginx.upgrade", Fatal, with("proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;", ""), "proxy_set_header Upgrade $http_upgrade;"},
		{"a header of its own hides the others", "nginx.upgrade", Fatal, with("location /app { "+upgrades, upgrades+"location /app { proxy_set_header Host $host; "), "Connection"},
		{"inherited", "nginx.upgrade", OK, with("location /app { "+upgrades, upgrades+"location /app { "), ""},
		{"inherited in part", "nginx.upgrade", Fatal, with("location /app { "+upgrades, "proxy_set_header X 'a b'; proxy_read_timeout 2m; location /app { "), "Connection"},
		{"closed", "nginx.upgrade", Fatal, with("Connection upgrade", "Connection ''"), `Connection "upgrade";`},

		{"long", "nginx.proxy_read_timeout", OK, good, ""},
		{"longer than a ping and its answer", "nginx.proxy_read_timeout", OK, with("timeout 2m", "timeout 91s"), ""},
		{"as long as a ping and its answer", "nginx.proxy_read_timeout", Warning, with("timeout 2m", "timeout 90s"), "proxy_read_timeout 180s;"},
		{"the default", "nginx.proxy_read_timeout", Fatal, with("proxy_read_timeout 2m;", ""), "proxy_read_timeout 180s;"},
		{"shorter than a ping", "nginx.proxy_read_timeout", Fatal, with("timeout 2m", "timeout 59s 999ms"), "proxy_read_timeout 180s;"},

		{"one address", "net.ipv4.ip_local_port_range", OK, good, ""},
	}
	for _, tt := range tests {
		t.Run(tt.check+": "+tt.name, func(t *testing.T) {
			f, n := roomy(), wanted()
			r := conf(tt.files)
			f.Nginx = readNginx(r, "/n.conf")
			got := named(t, Check(f, n), tt.check)
			if got.Level != tt.level {
				t.Errorf("%v, want %v: found %q, needs %q (%s)", got.Level, tt.level, got.Found, got.Need, got.Why)
			}
			checkFix(t, got, max(tt.fix, map[bool]string{true: "", false: " "}[tt.level == OK]))
			if len(got.Fixes) == 0 || got.Fixes[0].edits == nil {
				return
			}
			files, err := Changes(Source{Root: r.root}, []Finding{got}, n)
			if err != nil {
				t.Fatal(err)
			}
			f.Nginx = readNginx(conf(map[string]string{"/n.conf": files[0].Content}), "/n.conf")
			if after := named(t, Check(f, n), tt.check); after.Level != OK {
				t.Errorf("the fix does not help: %+v\n%s", after, files[0].Content)
			}
		})
	}
}

// Ports run out at one address and not at two, and never at a socket.
func TestPortsThroughNginx(t *testing.T) {
	tests := []struct {
		to          string
		connections Number
		level       Level
	}{
		{"http://127.0.0.1:8080", 22_000, OK},
		{"http://127.0.0.1:8080", 23_000, Warning},
		{"http://127.0.0.1:8080", 28_233, Fatal},
		{"http://nodes", 45_000, OK},
		{"http://nodes", 56_465, Fatal},
		{"http://sockets", 1_000_000, OK},
		{"http://$node:8080", 1_000_000, OK},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.to, tt.connections), func(t *testing.T) {
			f, n := roomy(), wanted()
			f.Nginx, n.Connections = readNginx(conf(serverOf("location / { proxy_pass "+tt.to+"; }")), "/n.conf"), tt.connections
			if got := named(t, Check(f, n), "net.ipv4.ip_local_port_range"); got.Level != tt.level {
				t.Errorf("%v, want %v: %+v", got.Level, tt.level, got)
			}
		})
	}
}

func TestParseSeconds(t *testing.T) {
	for text, want := range map[string]Number{
		"60": 60, "60s": 60, "1m": 60, "1m 30s": 90, "1h30m": 5400, "1500ms": 1, "1d": 86400, "": Unknown, "x": Unknown, "1x": Unknown, "-1": Unknown,
	} {
		if got := parseSeconds(text); got != want {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	}
}

// A header that counted before the fix counts behind it.
func TestUpgradeFixKeepsInheritedHeaders(t *testing.T) {
	r := conf(serverOf(`proxy_set_header X-Shop "a b"; proxy_read_timeout 2m; location /app { proxy_pass http://127.0.0.1:8080; }`))
	f, n := roomy(), wanted()
	f.Nginx = readNginx(r, "/n.conf")
	files, err := Changes(Source{Root: r.root}, []Finding{named(t, Check(f, n), "nginx.upgrade")}, n)
	if err != nil {
		t.Fatal(err)
	}
	after := readNginx(conf(map[string]string{"/n.conf": files[0].Content}), "/n.conf").Route(n.appPath(), n.Port)
	if after.Headers["x-shop"] != "a b" || !slices.Contains(after.Servers, "127.0.0.1:8080") {
		t.Errorf("%+v\n%s", after, files[0].Content)
	}
}
