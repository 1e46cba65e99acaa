package sysctl

import (
	"net"
	"slices"
	"strconv"
	"strings"
)

// Nginx is the part of nginx's configuration about the connections that it passes on.
type Nginx struct {
	File    string
	Problem string // why the file cannot be used; the rest is not known then

	Workers     Number // processes; Unknown for auto, which is one a CPU
	Connections Number // worker_connections, of each of them
	Descriptors Number // worker_rlimit_nofile, Unknown without it
	Running     Limit  // of the nginx that runs; Unknown when none does

	root *directive
}

// Route is how nginx passes a path on.
type Route struct {
	Path, Where string // as the client asks for it, and the place of proxy_pass
	Passed      string // the path that arrives; "" when it depends on a variable
	Version     string // proxy_http_version
	Headers     map[string]string
	ReadTimeout Number   // seconds
	Servers     []string // addresses that it goes to; unix sockets begin with unix:
	Bound       bool     // proxy_bind: the port range is that of more than one source address
	Variable    bool     // the address depends on a variable

	at place
}

// nginx's own defaults.
const (
	defaultWorkerConnections = 512
	defaultProxyReadTimeout  = 60
	defaultProxyHTTPVersion  = "1.0"
)

func readNginx(r reader, file string) *Nginx {
	n := &Nginx{File: file, Workers: 1, Connections: defaultWorkerConnections, Descriptors: Unknown, Running: Limit{Unknown, Unknown}}
	if pid := r.running("nginx"); pid != "" {
		n.Running = r.limit(pid, "Max open files")
	}
	root, err := parseNginx(r, file)
	if err != nil {
		n.Problem = err.Error()
		return n
	}
	n.root = root
	if root.find("http") == nil {
		n.Problem = file + ": has no http block; name the main file, such as /etc/nginx/nginx.conf"
		return n
	}
	if w := root.find("worker_processes"); w != nil {
		n.Workers = parseNumber(w.arg(0)) // auto is Unknown
	}
	if d := root.find("worker_rlimit_nofile"); d != nil {
		n.Descriptors = parseNumber(d.arg(0))
	}
	if c := root.find("events").find("worker_connections"); c != nil {
		n.Connections = parseNumber(c.arg(0))
	}
	return n
}

// Route finds a server that passes a path on to reverbd, which listens on the port and expects the path as it is wanted. Clients
// may reach it below another prefix that nginx removes. If all servers pass it on to something else, it returns one of
// these routes; if none passes it on, nil.
func (n *Nginx) Route(wanted string, port int) *Route {
	var best *Route
	for _, prefix := range n.prefixes() {
		for _, server := range n.root.find("http").all("server") {
			uri := prefix + wanted
			at := locate(place{n.root, n.root.find("http"), server}, uri)
			if at.pass() == nil {
				continue
			}
			route := n.route(at, uri)
			arrives := route.Passed == wanted || route.Passed == ""
			if arrives && route.reaches(port) {
				return route
			}
			if best == nil && (arrives || prefix == "") {
				best = route
			}
		}
	}
	return best
}

// reaches reports whether a server of the route is on that port, or may be. The port 0 is none.
func (r *Route) reaches(port int) bool {
	for _, s := range r.Servers {
		_, text, err := net.SplitHostPort(s)
		if port == 0 || r.Variable || strings.HasPrefix(s, "unix:") || err == nil && text == strconv.Itoa(port) || err != nil && port == 80 {
			return true
		}
	}
	return false
}

// prefixes returns the prefixes that a client may have to put in front of the path: none, or that of a location.
func (n *Nginx) prefixes() []string {
	found := []string{""}
	for _, server := range n.root.find("http").all("server") {
		for _, l := range server.all("location") {
			kind, name := l.location()
			if name = strings.TrimSuffix(name, "/"); (kind == "" || kind == "^~") && name != "" && !slices.Contains(found, name) {
				found = append(found, name)
			}
		}
	}
	return found
}

func (n *Nginx) route(at place, uri string) *Route {
	r := &Route{
		Path: uri, Where: at.pass().where(), Passed: at.passed(uri),
		Version: defaultProxyHTTPVersion, ReadTimeout: defaultProxyReadTimeout, Headers: make(map[string]string), at: at,
	}
	if d := at.find("proxy_http_version"); d != nil {
		r.Version = d.arg(0)
	}
	if d := at.find("proxy_read_timeout"); d != nil {
		r.ReadTimeout = parseSeconds(d.arg(0))
	}
	for _, d := range at.all("proxy_set_header") {
		r.Headers[strings.ToLower(d.arg(0))] = d.arg(1)
	}
	r.Bound = at.find("proxy_bind") != nil
	address, _ := splitTarget(at.pass().arg(0))
	r.Variable = strings.Contains(address, "$")
	r.Servers = []string{address}
	for _, up := range n.root.find("http").all("upstream") {
		if up.arg(0) == address {
			r.Servers = servers(up)
		}
	}
	return r
}

// servers returns the addresses of an upstream that are in use.
func servers(upstream *directive) []string {
	var found []string
	for _, s := range upstream.all("server") {
		if !slices.Contains(s.args, "down") && !slices.Contains(found, s.arg(0)) {
			found = append(found, s.arg(0))
		}
	}
	return found
}

// addresses returns the number of addresses to which a connection takes a local port.
func (r *Route) addresses() Number {
	count := Number(0)
	for _, s := range r.Servers {
		if !strings.HasPrefix(s, "unix:") {
			count++
		}
	}
	return count
}

// loopback reports whether all servers are reached without leaving the machine.
func (r *Route) loopback() bool {
	for _, s := range r.Servers {
		host, _, err := net.SplitHostPort(s)
		if err != nil {
			host = s
		}
		ip := net.ParseIP(host)
		if !strings.HasPrefix(s, "unix:") && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return false
		}
	}
	return true
}

// parseSeconds reads a time as nginx does: 90, 90s, 1m 30s, 500ms. Other text is Unknown.
func parseSeconds(s string) Number {
	units := []struct {
		name  string
		milli int64
	}{{"ms", 1}, {"s", 1000}, {"m", 60_000}, {"h", 3_600_000}, {"d", 86_400_000}, {"w", 7 * 86_400_000}, {"M", 30 * 86_400_000}, {"y", 365 * 86_400_000}}
	total := int64(0)
	if s == "" {
		return Unknown
	}
	for rest := strings.TrimSpace(s); rest != ""; rest = strings.TrimSpace(rest) {
		end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
		if end < 0 {
			rest, end = rest+"s", len(rest)
		}
		n, err := strconv.ParseInt(rest[:end], 10, 24)
		if err != nil {
			return Unknown
		}
		rest = rest[end:]
		known := false
		for _, u := range units {
			if after, ok := strings.CutPrefix(rest, u.name); ok {
				total, rest, known = total+n*u.milli, after, true
				break
			}
		}
		if !known {
			return Unknown
		}
	}
	return Number(total / 1000)
}

// processes returns the number of worker processes.
func (n *Nginx) processes(cpus Number) Number {
	if n.Workers.Known() {
		return max(n.Workers, 1)
	}
	return max(cpus, 1)
}
