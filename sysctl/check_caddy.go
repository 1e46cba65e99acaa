package sysctl

import "fmt"

func caddyReload(file string) string {
	return "caddy validate --config " + file + " && systemctl reload caddy"
}

// checkCaddy reports a file that cannot be used, or that passes nothing on; the other checks are silent then.
func checkCaddy(f Facts, n Need) Finding {
	const check = "caddy"
	switch c := f.Caddy; {
	case c == nil:
		return Finding{}
	case c.Problem != "":
		return finding(check, Fatal, c.Problem, "a configuration that can be read", "nothing about Caddy can be told without it",
			Fix{Say: "name the Caddyfile with --caddy, as a user who may read it"})
	case c.route(n.Port) == nil:
		return finding(check, Fatal, "nothing passes connections on", fmt.Sprintf("a reverse_proxy to port %d", n.Port), "clients connect through it",
			Fix{Say: fmt.Sprintf("put reverse_proxy %s/app/* 127.0.0.1:%d into the site, or say with --port which port the server has", n.Path, n.Port)})
	}
	return Finding{}
}

func (f Facts) caddyRoute(n Need) *caddyRoute {
	if f.Caddy == nil || f.Caddy.Problem != "" {
		return nil
	}
	return f.Caddy.route(n.Port)
}

// checkCaddyDescriptors looks at the Caddy that runs: nothing in its configuration limits the connections.
func checkCaddyDescriptors(f Facts, n Need) Finding {
	if f.caddyRoute(n) == nil {
		return Finding{}
	}
	have, need := f.Caddy.Running.Soft, proxiedSockets*n.Connections
	if !have.Known() {
		return unknownFact("caddy.descriptors", "no Caddy runs here whose limit could be read; it takes two descriptors for each connection")
	}
	return finding("caddy.descriptors", levelOf(have < need, have < need+need/4), have.String(), need.String(),
		fmt.Sprintf("%s connections x %d (to the client and to the server)", n.Connections, proxiedSockets),
		f.dropIn("caddy.service", fmt.Sprintf("LimitNOFILE=%d", need+need/4)))
}

// checkCaddyReload: without the setting, or before Caddy 2.7, every reload that changes anything closes all WebSockets at once.
func checkCaddyReload(f Facts, n Need) Finding {
	route := f.caddyRoute(n)
	if route == nil {
		return Finding{}
	}
	const text = "stream_close_delay 6h"
	if route.closeDelay != nil {
		return finding("caddy.stream_close_delay", OK, route.closeDelay.word(1), "-", "a reload leaves the clients that there are")
	}
	fix := Fix{File: route.line.file, Section: "reverse_proxy", Lines: []string{text}, Say: "from Caddy 2.7 on", Apply: caddyReload(f.Caddy.File)}
	if route.line.words[len(route.line.words)-1] == "{" {
		fix.edits = []Edit{route.line.followed(text)}
	} else {
		fix.edits = []Edit{{File: route.line.file, From: route.line.to, To: route.line.to, Text: " {\n" + route.line.indent + "    " + text + "\n" + route.line.indent + "}"}}
	}
	return finding("caddy.stream_close_delay", Warning, "not set", "a time",
		"every reload that changes anything closes all WebSockets at once, and all clients come back in the same second ("+route.line.where()+")", fix)
}
