package sysctl

import "fmt"

const apacheReload = "apachectl configtest && systemctl reload apache2"

// checkApache reports a file that cannot be used, or that passes nothing on; the other checks are silent then.
func checkApache(f Facts, n Need) Finding {
	const check = "apache"
	switch a := f.Apache; {
	case a == nil:
		return Finding{}
	case a.Problem != "":
		return finding(check, Fatal, a.Problem, "a configuration that can be read", "nothing about Apache can be told without it",
			Fix{Say: "name the main file of Apache httpd with --apache, as a user who may read it"})
	case a.route(n.appPath(), n.Port) == nil:
		return finding(check, Fatal, "nothing passes "+n.Path+"/app/ on", fmt.Sprintf("a ProxyPass to port %d", n.Port), "clients connect to it",
			Fix{Say: fmt.Sprintf("put into the virtual host: ProxyPass %[1]s/app/ http://127.0.0.1:%[2]d%[1]s/app/ upgrade=websocket, or say "+
				"with --port which port the server has", n.Path, n.Port)})
	}
	return Finding{}
}

func (f Facts) apacheRoute(n Need) *apacheRoute {
	if f.Apache == nil || f.Apache.Problem != "" {
		return nil
	}
	return f.Apache.route(n.appPath(), n.Port)
}

func checkApacheUpgrade(f Facts, n Need) Finding {
	route := f.apacheRoute(n)
	if route == nil {
		return Finding{}
	}
	found := "passed on"
	if !route.upgrades() {
		found = "not passed on"
	}
	text := " upgrade=websocket"
	return finding("apache.upgrade", levelOf(!route.upgrades(), false), found, "upgrade=websocket",
		"without it a WebSocket handshake arrives as an ordinary request and is answered with 426 ("+route.line.where()+"); from 2.4.47 on",
		Fix{
			File: route.line.file, Lines: []string{route.line.word(0) + " ..." + text}, Apply: apacheReload,
			edits: []Edit{{File: route.line.file, From: route.line.to, To: route.line.to, Text: text}},
		})
}

// checkApacheWorkers: a WebSocket has a thread for as long as it is open. When none is left all of Apache hangs.
func checkApacheWorkers(f Facts, n Need) Finding {
	if f.apacheRoute(n) == nil {
		return Finding{}
	}
	a := f.Apache
	more := n.Connections + n.Connections/4
	children := (2*more + a.ThreadsPerChild - 1) / max(a.ThreadsPerChild, 1)
	fix := Fix{Say: "after which Apache must be restarted, not reloaded"}
	for _, s := range []struct {
		old  *configLine
		text string
	}{{a.limit, fmt.Sprintf("ServerLimit %d", children)}, {a.workers, fmt.Sprintf("MaxRequestWorkers %d", more)}} {
		fix.Lines = append(fix.Lines, s.text)
		switch {
		case s.old != nil:
			fix.File = s.old.file
			fix.edits = append(fix.edits, s.old.replaced(s.text))
		case a.workers != nil:
			fix.edits = append(fix.edits, Edit{File: a.workers.file, From: a.workers.from, To: a.workers.from, Text: a.workers.indent + s.text + "\n"})
		default:
			fix.edits = append(fix.edits, Edit{File: a.File, Text: s.text + "\n"})
		}
	}
	if fix.File == "" {
		fix.File = a.File
	}
	fix.Apply = "apachectl configtest && systemctl restart apache2"
	return finding("apache.workers", levelOf(a.places() < n.Connections, a.places() < more), a.places().String(), more.String(),
		fmt.Sprintf("%s connections, each of which has a thread as long as it is open, and a quarter more for everything else; MaxRequestWorkers is "+
			"%s, ServerLimit x ThreadsPerChild %s x %s. After a reload the old processes keep their places: twice as many",
			n.Connections, a.MaxRequestWorkers, a.ServerLimit, a.ThreadsPerChild), fix)
}

func checkApacheTimeout(f Facts, n Need) Finding {
	route := f.apacheRoute(n)
	if route == nil {
		return Finding{}
	}
	have, line := route.idle()
	text := fmt.Sprintf("ProxyTimeout %d", idleLimit(n))
	fix := Fix{File: route.line.file, Lines: []string{text}, Apply: apacheReload,
		edits: []Edit{{File: route.line.file, From: route.line.from, To: route.line.from, Text: route.line.indent + text + "\n"}}}
	where := "Apache's default"
	if line != nil {
		where = line.word(0) + ", " + line.where()
	}
	if old := route.server.setting("ProxyTimeout"); old != nil {
		fix.File, fix.edits = old.file, []Edit{old.replaced(text)}
	}
	return idleFinding("apache.timeout", have, where, n, fix)
}
