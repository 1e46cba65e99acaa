package sysctl

import (
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// Apache is the part of Apache httpd's configuration about the connections that it passes on.
type Apache struct {
	File    string
	Problem string // why the file cannot be used; the rest is not known then

	// Of mpm_event or mpm_worker, each of which has a thread for each WebSocket. The values are those that count, set or not.
	MaxRequestWorkers, ServerLimit, ThreadsPerChild Number

	workers, limit *configLine     // that set the first two; nil without
	servers        []*apacheServer // the main one first
}

// apacheServer is a virtual host, or the main server.
type apacheServer struct {
	lines []configLine
	main  *apacheServer // whose time-outs count where the virtual host has none; nil for the main one
}

// apacheRoute is a line that passes a path on.
type apacheRoute struct {
	server *apacheServer
	line   configLine
	path   string // that it begins with; a regular expression for ProxyPassMatch
	target *url.URL
}

// Apache's own defaults.
const (
	defaultApacheTimeout   = 60
	defaultThreadsPerChild = 25
	defaultServerLimit     = 16
)

func readApache(r reader, file string) *Apache {
	a := &Apache{File: file, ThreadsPerChild: defaultThreadsPerChild, ServerLimit: defaultServerLimit, MaxRequestWorkers: Unknown}
	apache := dialect{quotes: `"'`, includeDir: a.root(r), include: func(l configLine) []string {
		if l.begins("Include") || l.begins("IncludeOptional") {
			return l.words[1:]
		}
		return nil
	}}
	lines, err := apache.lines(r, file, 0)
	if err != nil {
		a.Problem = err.Error()
		return a
	}
	a.sort(lines)
	if !a.MaxRequestWorkers.Known() {
		a.MaxRequestWorkers = a.ServerLimit * a.ThreadsPerChild
	}
	return a
}

// root is the directory that relative names start at: ServerRoot, or, as in Debian, that of the file.
func (a *Apache) root(r reader) string {
	text, _ := r.text(a.File)
	plain := dialect{quotes: `"'`}
	for _, l := range plain.split(a.File, text) {
		if l.begins("ServerRoot") {
			return l.word(1)
		}
	}
	return path.Dir(a.File)
}

// sort puts each line to its server, and takes what is about threads.
func (a *Apache) sort(lines []configLine) {
	main := &apacheServer{}
	a.servers = []*apacheServer{main}
	at := main
	for _, l := range lines {
		n := parseNumber(l.word(1))
		switch {
		case l.begins("<VirtualHost"):
			at = &apacheServer{main: main}
			a.servers = append(a.servers, at)
		case l.begins("</VirtualHost>"):
			at = main
		case l.begins("MaxRequestWorkers"), l.begins("MaxClients"):
			a.MaxRequestWorkers, a.workers = n, &l
		case l.begins("ServerLimit"):
			a.ServerLimit, a.limit = n, &l
		case l.begins("ThreadsPerChild"):
			a.ThreadsPerChild = n
		default:
			at.lines = append(at.lines, l)
		}
	}
}

// places is how many threads there can be.
func (a *Apache) places() Number { return min(a.MaxRequestWorkers, a.ServerLimit*a.ThreadsPerChild) }

// route finds what passes a path on to the port; 0 is any. Where one passes upgrades on and another does not, as a RewriteRule beside a
// ProxyPass, it is the former.
func (a *Apache) route(uri string, port int) *apacheRoute {
	var best *apacheRoute
	for _, s := range a.servers {
		location := ""
		for _, l := range s.lines {
			switch {
			case l.begins("<Location"):
				location = strings.TrimSuffix(l.word(1), ">")
			case l.begins("</Location>"):
				location = ""
			}
			r := routeOf(l, location)
			if r == nil || !r.matches(uri) || !r.reaches(port) {
				continue
			}
			r.server = s
			if best == nil || r.upgrades() && !best.upgrades() {
				best = r
			}
		}
	}
	return best
}

// routeOf is the route of a line, nil if it is none.
func routeOf(l configLine, location string) *apacheRoute {
	r := &apacheRoute{line: l, path: l.word(1)}
	text := l.word(2)
	switch {
	case l.begins("ProxyPass") && location != "":
		r.path, text = location, l.word(1)
	case l.begins("ProxyPass"), l.begins("ProxyPassMatch"):
		text, _, _ = strings.Cut(text, "$")
	case l.begins("RewriteRule") && strings.Contains(l.word(3), "P"):
		r.path = "/"
		text, _, _ = strings.Cut(text, "$")
		text, _, _ = strings.Cut(text, "%")
	default:
		return nil
	}
	target, err := url.Parse(text)
	if err != nil || target.Host == "" && target.Scheme != "unix" {
		return nil
	}
	r.target = target
	return r
}

func (r *apacheRoute) matches(uri string) bool {
	if !r.line.begins("ProxyPassMatch") {
		return strings.HasPrefix(uri, r.path)
	}
	pattern, err := regexp.Compile(r.path) // one that Go does not know matches nothing
	return err == nil && pattern.MatchString(uri)
}

func (r *apacheRoute) reaches(port int) bool {
	return port == 0 || r.target.Scheme == "unix" || r.target.Port() == strconv.Itoa(port) || r.target.Port() == "" && port == 80
}

// upgrades reports whether a WebSocket handshake is passed on as one.
func (r *apacheRoute) upgrades() bool {
	for _, w := range r.line.words {
		if value, ok := strings.CutPrefix(strings.ToLower(w), "upgrade="); ok && (value == "websocket" || value == "any") {
			return true
		}
	}
	return strings.HasPrefix(r.target.Scheme, "ws")
}

// setting is the last line of the server, or else of the main one, that begins with the word.
func (s *apacheServer) setting(name string) *configLine {
	for ; s != nil; s = s.main {
		for i := len(s.lines) - 1; i >= 0; i-- {
			if s.lines[i].begins(name) {
				return &s.lines[i]
			}
		}
	}
	return nil
}

// idle is how long a WebSocket of the route may idle, in seconds: the longer of Timeout and ProxyTimeout. line is the one that counts, nil
// for Apache's default.
func (r *apacheRoute) idle() (limit Number, line *configLine) {
	limit = defaultApacheTimeout
	if l := r.server.setting("Timeout"); l != nil {
		limit, line = parseSeconds(l.word(1)), l
	}
	if l := r.server.setting("ProxyTimeout"); l != nil && parseSeconds(l.word(1)) > limit {
		limit, line = parseSeconds(l.word(1)), l
	}
	return limit, line
}
