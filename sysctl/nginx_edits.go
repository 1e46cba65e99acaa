package sysctl

import (
	"fmt"
	"strings"
)

// statement replaces a directive, or is put at a place if there is none.
func (n *Nginx) statement(old *directive, file string, at int, indent, text string) Fix {
	edit := Edit{File: file, From: at, To: at, Text: "\n" + indent + text}
	if at == 0 {
		edit.Text = text + "\n"
	}
	if old != nil {
		edit = Edit{File: old.file, From: old.from, To: old.to, Text: text}
	}
	return Fix{File: edit.File, Lines: []string{text}, Apply: nginxReload, edits: []Edit{edit}}
}

// main sets a directive outside of all blocks.
func (n *Nginx) main(name string, value Number) Fix {
	return n.statement(n.root.find(name), n.File, 0, "", fmt.Sprintf("%s %d;", name, value))
}

// event sets a directive of the events block. A configuration without that block does not work.
func (n *Nginx) event(name string, value Number) Fix {
	events, text := n.root.find("events"), fmt.Sprintf("%s %d;", name, value)
	if events == nil {
		return n.statement(nil, n.File, 0, "", "events { "+text+" }")
	}
	return n.statement(events.find(name), events.file, events.body, "    ", text)
}

// inside sets directives where a route is passed on.
func (n *Nginx) inside(route *Route, statements ...string) Fix {
	last := route.at.last()
	fix := Fix{File: last.file, Section: strings.TrimSpace(last.name + " " + strings.Join(last.args, " ")), Lines: statements, Apply: nginxReload}
	// Headers are not inherited by a block that sets one of its own, so those that count so far are set again.
	if last.find("proxy_set_header") == nil && strings.Contains(strings.Join(statements, " "), "proxy_set_header") {
		for _, h := range route.at.all("proxy_set_header") {
			if name := strings.ToLower(h.arg(0)); name != "upgrade" && name != "connection" {
				statements = append(statements, fmt.Sprintf("proxy_set_header %s %s;", h.arg(0), quote(h.arg(1))))
			}
		}
	}
	for _, text := range statements {
		fix.edits = append(fix.edits, n.statement(same(last, text), last.file, last.body, "        ", text).edits...)
	}
	return fix
}

// same is the directive of a block that a statement takes the place of.
func same(block *directive, statement string) *directive {
	words := strings.Fields(strings.TrimSuffix(statement, ";"))
	for _, d := range block.all(words[0]) {
		if d.name != "proxy_set_header" || strings.EqualFold(d.arg(0), words[1]) {
			return d
		}
	}
	return nil
}

// quote writes a word as nginx reads it.
func quote(s string) string {
	if s != "" && !strings.ContainsAny(s, " \t\r\n;{}\"'\\#") {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// bare removes the path of a proxy_pass.
func (n *Nginx) bare(route *Route) Fix {
	pass := route.at.pass()
	address, _ := splitTarget(pass.arg(0))
	scheme, _, _ := strings.Cut(pass.arg(0), "://")
	return n.statement(pass, "", 0, "", fmt.Sprintf("proxy_pass %s://%s;", scheme, address))
}

// backlog gives the listener of a server a longer queue. The option may stand with one listen of an address only, so the fix is
// described instead when there are several.
func (n *Nginx) backlog(server *directive, to Number) Fix {
	listens := server.all("listen")
	if len(listens) != 1 {
		return Fix{Say: fmt.Sprintf("add backlog=%d to one listen of each address and port of the server at %s", to, server.where())}
	}
	text := "listen"
	for _, arg := range listens[0].args {
		if !strings.HasPrefix(arg, "backlog=") {
			text += " " + quote(arg)
		}
	}
	fix := n.statement(listens[0], "", 0, "", fmt.Sprintf("%s backlog=%d;", text, to))
	fix.Apply = "nginx -t && systemctl restart nginx"
	return fix
}

// snippet is what passes the server's paths on.
const snippet = "/etc/nginx/snippets/reverbd.conf"

// locations are the lines that pass on what nothing passes on yet, to be included into the server that clients reach.
func (n *Nginx) locations(need Need) Fix {
	paths := "apps"
	if n.Route(need.appPath(), need.Port) == nil {
		paths = "apps?"
	}
	timeout := 2 * seconds(need.PingInterval+need.ActivityTimeout)
	return Fix{
		File: snippet, whole: true,
		Lines: []string{
			fmt.Sprintf("location ~ ^%s/%s/ {", need.Path, paths),
			fmt.Sprintf("    proxy_pass http://127.0.0.1:%d;", need.Port),
			"    proxy_http_version 1.1;",
			"    proxy_set_header Upgrade $http_upgrade;",
			`    proxy_set_header Connection "upgrade";`,
			"    proxy_set_header Host $http_host;",
			"    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
			"    proxy_set_header X-Forwarded-Proto $scheme;",
			fmt.Sprintf("    proxy_read_timeout %ds;", timeout),
			fmt.Sprintf("    proxy_send_timeout %ds;", timeout),
			"}",
		},
		Apply: "put include snippets/reverbd.conf; into the server block, and " + nginxReload,
	}
}
