package sysctl

import (
	"fmt"
	"strings"
)

func haproxyReload(file string) string {
	return "haproxy -c -f " + file + " && systemctl reload haproxy"
}

// checkHAProxy reports a file that cannot be used, or that passes nothing on; the other checks are silent then.
func checkHAProxy(f Facts, n Need) Finding {
	const check = "haproxy"
	switch h := f.HAProxy; {
	case h == nil:
		return Finding{}
	case h.Problem != "":
		return finding(check, Fatal, h.Problem, "a configuration that can be read", "nothing about HAProxy can be told without it",
			Fix{Say: "name the main file of HAProxy with --haproxy, as a user who may read it"})
	case h.backend(n.Port) == nil:
		return finding(check, Warning, "no server on this port", fmt.Sprintf("a backend with a server on port %d", n.Port),
			"clients come to the server through it", Fix{Say: fmt.Sprintf("add server one 127.0.0.1:%d to a backend in %s, or say with "+
				"--port which port the server has", n.Port, h.File)})
	}
	return Finding{}
}

// haproxyRoute is the way of clients through HAProxy; the backend is nil if there is none. The frontend may be unknown.
func (f Facts) haproxyRoute(n Need) (frontend, backend *haproxySection) {
	if f.HAProxy == nil || f.HAProxy.Problem != "" {
		return nil, nil
	}
	if backend = f.HAProxy.backend(n.Port); backend != nil {
		frontend = f.HAProxy.frontend(backend)
	}
	return frontend, backend
}

// checkHAProxyMaxconn: what is not set follows from the limit of descriptors, of which a client takes two.
func checkHAProxyMaxconn(f Facts, n Need) Finding {
	const check = "haproxy.maxconn"
	frontend, backend := f.haproxyRoute(n)
	if backend == nil {
		return Finding{}
	}
	have, found := Unknown, "not set"
	var fix Fix
	global := f.HAProxy.of("global")
	for _, s := range append(global, frontend) {
		l := s.find("maxconn")
		if l == nil {
			continue
		}
		if limit := parseNumber(l.word(1)); limit.Known() && (!have.Known() || limit < have) {
			have, found = limit, fmt.Sprintf("%s (%s)", limit, l.where())
		}
		if limit := parseNumber(l.word(1)); limit < n.Connections {
			fix.edits = append(fix.edits, l.replaced(fmt.Sprintf("maxconn %d", n.Connections+n.Connections/4)))
		}
	}
	if running := f.HAProxy.Running.Soft; !have.Known() && running.Known() {
		have = running / proxiedSockets
		found = fmt.Sprintf("not set; %s by the descriptors of the HAProxy that runs", have)
		if len(global) > 0 {
			fix.edits = []Edit{global[0].head.followed(fmt.Sprintf("maxconn %d", n.Connections+n.Connections/4))}
		}
	}
	fix.File, fix.Lines = f.HAProxy.File, []string{fmt.Sprintf("maxconn %d", n.Connections+n.Connections/4)}
	fix.Apply = haproxyReload(f.HAProxy.File)
	return finding(check, levelOf(have.Known() && have < n.Connections, false), found, n.Connections.String(),
		"one connection for each client; HAProxy doubles it for the descriptors", fix)
}

// checkHAProxyTimeout: once a connection is a WebSocket, timeout tunnel takes the place of timeout client and timeout server.
func checkHAProxyTimeout(f Facts, n Need) Finding {
	frontend, backend := f.haproxyRoute(n)
	if backend == nil {
		return Finding{}
	}
	have, found, fix := Unknown, "no limit", Fix{}
	text := fmt.Sprintf("timeout tunnel %ds", idleLimit(n))
	if l := backend.find("timeout", "tunnel"); l != nil {
		have, found = haproxyTime(l.word(2)), l.where()
		fix.edits = []Edit{l.replaced(text)}
	} else {
		fix.edits = []Edit{backend.head.followed(text)}
		for _, l := range []*configLine{frontend.find("timeout", "client"), backend.find("timeout", "server")} {
			if l == nil {
				continue
			}
			if limit := haproxyTime(l.word(2)); limit.Known() && (!have.Known() || limit < have) {
				have, found = limit, fmt.Sprintf("%s, %s; without timeout tunnel", strings.Join(l.words[:2], " "), l.where())
			}
		}
	}
	fix.File, fix.Section, fix.Lines, fix.Apply = f.HAProxy.File, strings.TrimSpace(backend.kind+" "+backend.name), []string{text}, haproxyReload(f.HAProxy.File)
	return idleFinding("haproxy.timeout_tunnel", have, found, n, fix)
}
