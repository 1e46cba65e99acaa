package sysctl

import (
	"net"
	"slices"
	"strconv"
	"strings"
)

// HAProxy is the part of HAProxy's configuration about the connections that it passes on.
type HAProxy struct {
	File    string
	Problem string // why the file cannot be used; the rest is not known then
	Running Limit  // descriptors of the HAProxy that runs; Unknown when none does

	sections []*haproxySection
}

// haproxySection is a global, defaults, frontend, backend or listen section, or another one.
type haproxySection struct {
	kind, name string
	head       configLine
	lines      []configLine
	defaults   *haproxySection // of a frontend, backend or listen section; nil without one
}

// haproxyKinds are the words that begin a section.
var haproxyKinds = []string{
	"global", "defaults", "frontend", "backend", "listen", "peers", "mailers", "userlist", "resolvers", "cache", "program", "ring",
	"http-errors", "fcgi-app", "log-forward", "crt-store", "traces", "acme",
}

func readHAProxy(r reader, file string) *HAProxy {
	h := &HAProxy{File: file, Running: Limit{Unknown, Unknown}}
	if pid := r.running("haproxy"); pid != "" {
		h.Running = r.limit(pid, "Max open files")
	}
	haproxy := dialect{quotes: `"'`, comments: true, include: func(configLine) []string { return nil }}
	lines, err := haproxy.lines(r, file, 0)
	if err != nil {
		h.Problem = err.Error()
		return h
	}
	var defaults *haproxySection
	for _, l := range lines {
		if !slices.Contains(haproxyKinds, l.word(0)) {
			if n := len(h.sections); n > 0 {
				h.sections[n-1].lines = append(h.sections[n-1].lines, l)
			}
			continue
		}
		s := &haproxySection{kind: l.word(0), name: l.word(1), head: l}
		switch s.kind {
		case "defaults":
			defaults = s
		case "frontend", "backend", "listen":
			s.defaults = defaults
			if i := slices.Index(l.words, "from"); i >= 0 {
				s.defaults = h.section("defaults", l.word(i+1))
			}
		}
		h.sections = append(h.sections, s)
	}
	if len(h.of("backend", "listen")) == 0 {
		h.Problem = file + ": has no backend and no listen section; name the main file, such as /etc/haproxy/haproxy.cfg"
	}
	return h
}

func (h *HAProxy) section(kind, name string) *haproxySection {
	for _, s := range h.sections {
		if s.kind == kind && s.name == name {
			return s
		}
	}
	return nil
}

// of are the sections of these kinds.
func (h *HAProxy) of(kinds ...string) []*haproxySection {
	var found []*haproxySection
	for _, s := range h.sections {
		if slices.Contains(kinds, s.kind) {
			found = append(found, s)
		}
	}
	return found
}

// own is the last line of the section itself that begins with these words.
func (s *haproxySection) own(words ...string) *configLine {
	if s == nil {
		return nil
	}
	for i := len(s.lines) - 1; i >= 0; i-- {
		if s.lines[i].begins(words...) {
			return &s.lines[i]
		}
	}
	return nil
}

// find is own, or else that of the defaults.
func (s *haproxySection) find(words ...string) *configLine {
	if l := s.own(words...); l != nil {
		return l
	}
	if s == nil {
		return nil
	}
	return s.defaults.own(words...)
}

// serves reports whether the section has a server on the port; 0 is any.
func (s *haproxySection) serves(port int) bool {
	for _, l := range s.lines {
		if !l.begins("server") && !l.begins("server-template") {
			continue
		}
		_, text, err := net.SplitHostPort(l.word(2))
		if port == 0 || err == nil && text == strconv.Itoa(port) || strings.HasPrefix(l.word(2), "unix@") || strings.HasPrefix(l.word(2), "/") {
			return true
		}
	}
	return false
}

// backend is the section that passes connections on to the server, nil if none does.
func (h *HAProxy) backend(port int) *haproxySection {
	for _, s := range h.of("backend", "listen") {
		if s.serves(port) {
			return s
		}
	}
	return nil
}

// frontend is the section that clients of a backend come to, nil if none names it.
func (h *HAProxy) frontend(backend *haproxySection) *haproxySection {
	if backend.kind == "listen" {
		return backend
	}
	for _, s := range h.of("frontend", "listen") {
		for _, l := range s.lines {
			if (l.begins("default_backend") || l.begins("use_backend")) && l.word(1) == backend.name {
				return s
			}
		}
		if l := s.find("default_backend"); l != nil && l.word(1) == backend.name {
			return s
		}
	}
	return nil
}

// haproxyTime reads a time as HAProxy does, in seconds: without a unit it is in milliseconds. Other text is Unknown.
func haproxyTime(s string) Number {
	if strings.TrimLeft(s, "0123456789") == "" {
		s += "ms"
	}
	if n, ok := strings.CutSuffix(s, "us"); ok && strings.TrimLeft(n, "0123456789") == "" {
		return 0
	}
	return parseSeconds(s)
}
