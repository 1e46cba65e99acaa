package sysctl

import (
	"net"
	"strconv"
	"strings"
)

// Caddy is the part of a Caddyfile about the connections that it passes on. Caddy passes upgrades on by itself, and has no limit for how
// long a WebSocket idles, nor for how many there are.
type Caddy struct {
	File    string
	Problem string // why the file cannot be used; the rest is not known then
	Running Limit  // descriptors of the Caddy that runs; Unknown when none does

	routes []caddyRoute
}

// caddyRoute is a reverse_proxy.
type caddyRoute struct {
	line       configLine
	addresses  []string
	closeDelay *configLine // stream_close_delay
}

func readCaddy(r reader, file string) *Caddy {
	c := &Caddy{File: file, Running: Limit{Unknown, Unknown}}
	if pid := r.running("caddy"); pid != "" {
		c.Running = r.limit(pid, "Max open files")
	}
	// import takes files and the names of snippets, which are in the file.
	caddy := dialect{quotes: "\"`", comments: true, include: func(l configLine) []string {
		if l.begins("import") && strings.ContainsAny(l.word(1), "/.*") {
			return l.words[1:2]
		}
		return nil
	}}
	lines, err := caddy.lines(r, file, 0)
	if err != nil {
		c.Problem = err.Error()
		return c
	}
	var open *caddyRoute
	depth := 0
	for _, l := range lines {
		switch {
		case open == nil && l.begins("reverse_proxy"):
			route := caddyRoute{line: l, addresses: l.words[1:]}
			c.routes = append(c.routes, route)
			if l.words[len(l.words)-1] == "{" {
				open, depth = &c.routes[len(c.routes)-1], 1
			}
			continue
		case open != nil && l.begins("to"):
			open.addresses = append(open.addresses, l.words[1:]...)
		case open != nil && l.begins("stream_close_delay"):
			open.closeDelay = &l
		}
		if open != nil {
			depth += braces(l)
			if depth <= 0 {
				open = nil
			}
		}
	}
	return c
}

// braces is how many blocks a line opens, less those that it closes.
func braces(l configLine) int {
	switch {
	case l.words[len(l.words)-1] == "{":
		return 1
	case l.word(0) == "}":
		return -1
	}
	return 0
}

// route is what passes connections on to the port, nil if nothing does; 0 is any.
func (c *Caddy) route(port int) *caddyRoute {
	for i, r := range c.routes {
		for _, address := range r.addresses {
			_, text, err := net.SplitHostPort(address[strings.LastIndex(address, "/")+1:])
			if strings.HasPrefix(address, "unix/") || err == nil && (port == 0 || text == strconv.Itoa(port)) {
				return &c.routes[i]
			}
		}
	}
	return nil
}
