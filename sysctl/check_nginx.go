package sysctl

import (
	"fmt"
	"strings"
)

const nginxReload = "nginx -t && systemctl reload nginx"

func (n Need) appPath() string { return n.Path + "/app/key" }

func (n Need) apiPath() string { return n.Path + "/apps/id/events" }

// usable reports whether there is a configuration of nginx to look at.
func (f Facts) usable() bool { return f.Nginx != nil && f.Nginx.Problem == "" }

// checkNginx reports a file that cannot be used; the other checks are silent then.
func checkNginx(f Facts, _ Need) Finding {
	if f.Nginx == nil || f.Nginx.Problem == "" {
		return Finding{}
	}
	return finding("nginx", Fatal, f.Nginx.Problem, "a configuration that can be read", "nothing about nginx can be told without it",
		Fix{Say: "name the main file of nginx with --nginx, as a user who may read it; nginx -t tells more about mistakes in it"})
}

// shares returns the descriptors and connections that each worker needs, and the arithmetic.
func (f Facts) shares(n Need) (need Number, why string) {
	workers := f.Nginx.processes(f.CPUs)
	need = (n.Connections.times(proxiedSockets) + workers - 1) / workers
	return need, fmt.Sprintf("%s connections x %d (to the client and to the server) / %s worker processes", n.Connections, proxiedSockets, workers)
}

// uneven is what a worker should have because its share may be half as large again as it would be if all were alike.
func uneven(share Number) Number { return (share + share/2 + 63) / 64 * 64 }

// nginxSpare is the number of descriptors that a worker has open beside connections: logs, listeners, the channel to the master.
const nginxSpare = 64

// What nginx is started with when nothing sets its limit: systemd's soft one. nginx does not raise it by itself.
const nginxDefaultNOFILE = 1024

func checkNginxDescriptors(f Facts, n Need) Finding {
	const check = "nginx.worker_rlimit_nofile"
	if !f.usable() {
		return Finding{}
	}
	need, why := f.shares(n)
	need += nginxSpare
	limit, found := f.Nginx.Descriptors, f.Nginx.Descriptors.String()
	if !limit.Known() {
		limit, found = nginxDefaultNOFILE, fmt.Sprintf("not set; %d from systemd", nginxDefaultNOFILE)
		if soft := f.Nginx.Running.Soft; soft.Known() {
			limit, found = soft, fmt.Sprintf("not set; the nginx that runs has %s", soft)
		}
	}
	return finding(check, levelOf(limit < need, limit < uneven(need)), found, need.String(),
		fmt.Sprintf("%s + %d for logs and listeners; the workers do not share evenly", why, nginxSpare),
		f.Nginx.main("worker_rlimit_nofile", uneven(need)))
}

// checkNginxConnections: when less than a sixteenth of its connections is left, a worker closes those whose request it has not read
// yet (ngx_drain_connections), which then are those of new clients. Tried with nginx 1.22: of 8,500 clients, which take 17,000
// connections, it refused 389 with worker_connections 17300, and none with 18600.
func checkNginxConnections(f Facts, n Need) Finding {
	const check = "nginx.worker_connections"
	if !f.usable() {
		return Finding{}
	}
	share, why := f.shares(n)
	need := (share*16+14)/15 + nginxSpare
	have := f.Nginx.Connections
	return finding(check, levelOf(have < need, have < uneven(share)), have.String(), need.String(),
		fmt.Sprintf("%s, x 16/15 since nginx refuses clients when a sixteenth is left, + %d for logs and listeners; the workers do not share evenly",
			why, nginxSpare), f.Nginx.event("worker_connections", max(need, uneven(share))))
}

// defaultBacklog is what nginx asks for with listen(2) on Linux.
const defaultBacklog = 511

func checkNginxBacklog(f Facts, n Need) Finding {
	const check = "nginx.backlog"
	route := f.route(n)
	if route == nil {
		return Finding{}
	}
	server := route.at[2]
	queues := Number(1)
	backlog, from := Number(defaultBacklog), server
	for _, l := range server.all("listen") {
		for _, arg := range l.args {
			if text, ok := strings.CutPrefix(arg, "backlog="); ok {
				backlog, from = parseNumber(text), l
			}
			if arg == "reuseport" {
				queues = f.Nginx.processes(f.CPUs)
			}
		}
	}
	need := min((n.Connections+queues-1)/queues, maxBacklog)
	return finding(check, levelOf(false, backlog < need), backlog.String(), need.String(),
		fmt.Sprintf("%s connections that come back at once / %s %s (reuseport gives each worker its own; %s); net.core.somaxconn is "+
			"the limit of each", n.Connections, queues, plural(int(queues), "queue"), from.where()), f.Nginx.backlog(server, power(need)))
}

func checkNginxApp(f Facts, n Need) Finding {
	return checkRoute(f, n, "nginx.app", n.appPath(), n.Path+"/app/", Fatal, "clients connect to it")
}

func checkNginxAPI(f Facts, n Need) Finding {
	return checkRoute(f, n, "nginx.apps", n.apiPath(), n.Path+"/apps/", Warning,
		"the application publishes to it; it may also go to the server without nginx")
}

func checkRoute(f Facts, n Need, check, wanted, shown string, missing Level, why string) Finding {
	if !f.usable() {
		return Finding{}
	}
	fix := f.Nginx.locations(n)
	route := f.Nginx.Route(wanted, n.Port)
	if route == nil {
		return finding(check, missing, "no server passes "+shown+" on", "proxy_pass to the server", why, fix)
	}
	found := strings.TrimSuffix(strings.TrimSuffix(route.Path, "key"), "id/events")
	found += " goes to " + strings.Join(route.Servers, ", ") + " (" + route.Where + ")"
	if route.Passed != "" && route.Passed != wanted {
		return finding(check, missing, found+" as "+route.Passed, wanted, "the proxy_pass has a path, which takes the place of the location's; "+
			why, f.Nginx.bare(route))
	}
	return finding(check, levelOf(false, !route.reaches(n.Port)), found, fmt.Sprintf("proxy_pass to the server, which has port %d", n.Port), why,
		Fix{Say: fmt.Sprintf("have the proxy_pass at %s go to the server, or say with --port which port that has", route.Where)})
}

func checkNginxUpgrade(f Facts, n Need) Finding {
	const check = "nginx.upgrade"
	route := f.route(n)
	if route == nil {
		return Finding{}
	}
	var missing []string
	if route.Version != "1.1" {
		missing = append(missing, "proxy_http_version 1.1;")
	}
	if h := route.Headers["upgrade"]; h == "" || !strings.HasPrefix(h, "$") && !strings.EqualFold(h, "websocket") {
		missing = append(missing, "proxy_set_header Upgrade $http_upgrade;")
	}
	if h := route.Headers["connection"]; !strings.HasPrefix(h, "$") && !strings.Contains(strings.ToLower(h), "upgrade") {
		missing = append(missing, `proxy_set_header Connection "upgrade";`)
	}
	found := "HTTP/1.1, Upgrade and Connection are passed on"
	if len(missing) > 0 {
		found = "without " + strings.Join(missing, " ")
	}
	return finding(check, levelOf(len(missing) > 0, false), found, "HTTP/1.1, Upgrade and Connection",
		"without them a WebSocket handshake arrives as an ordinary request ("+route.Where+")", f.Nginx.inside(route, missing...))
}

func checkNginxTimeout(f Facts, n Need) Finding {
	route := f.route(n)
	if route == nil {
		return Finding{}
	}
	where := "nginx's default, " + route.Where
	if d := route.at.find("proxy_read_timeout"); d != nil {
		where = d.where()
	}
	return idleFinding("nginx.proxy_read_timeout", route.ReadTimeout, where, n,
		f.Nginx.inside(route, fmt.Sprintf("proxy_read_timeout %ds;", idleLimit(n))))
}
