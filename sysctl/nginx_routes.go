package sysctl

import (
	"regexp"
	"strings"
)

// place is where a request arrives in nginx's configuration: the blocks from the outermost to the one that answers.
type place []*directive

// find is a directive as the place inherits it: from the innermost block that has it.
func (p place) find(name string) *directive {
	for i := len(p) - 1; i >= 0; i-- {
		if d := p[i].find(name); d != nil {
			return d
		}
	}
	return nil
}

// all are directives that are inherited together, as proxy_set_header is: those of the innermost block that has one.
func (p place) all(name string) []*directive {
	for i := len(p) - 1; i >= 0; i-- {
		if all := p[i].all(name); len(all) > 0 {
			return all
		}
	}
	return nil
}

// with is the place one block further in.
func (p place) with(in *directive) place { return append(p[:len(p):len(p)], in) }

func (p place) last() *directive { return p[len(p)-1] }

// pass is the proxy_pass that answers at the place, nil if something else does. It is not inherited.
func (p place) pass() *directive { return p.last().find("proxy_pass") }

// locate finds what answers a path in a server, as nginx does: https://nginx.org/en/docs/http/ngx_http_core_module.html#location.
func locate(at place, uri string) place {
	if at.last().find("return") != nil {
		return at
	}
	found := match(at, uri)
	if found.pass() != nil {
		return found
	}
	// Upgrades may be told apart with an if, and what is no file may go to a named location.
	for _, in := range found.last().all("if") {
		if inside := found.with(in); inside.pass() != nil {
			return inside
		}
	}
	if try := found.last().find("try_files"); try != nil && len(try.args) > 0 {
		name := try.args[len(try.args)-1]
		for _, l := range at.last().all("location") {
			if strings.HasPrefix(name, "@") && l.arg(0) == name {
				return at.with(l)
			}
		}
	}
	return found
}

// match descends into the locations of the last block.
func match(at place, uri string) place {
	var longest *directive
	var expressions []*directive
	length, final := -1, false
	for _, l := range at.last().all("location") {
		kind, name := l.location()
		switch {
		case kind == "=" && name == uri:
			return at.with(l)
		case kind == "~" || kind == "~*":
			expressions = append(expressions, l)
		case (kind == "" || kind == "^~") && strings.HasPrefix(uri, name) && len(name) > length:
			longest, length, final = l, len(name), kind == "^~"
		}
	}
	var prefix place
	if longest != nil {
		prefix = match(at.with(longest), uri)
		if kind, _ := prefix.last().location(); final || kind == "~" || kind == "~*" || kind == "=" {
			return prefix
		}
	}
	for _, l := range expressions {
		if l.matches(uri) {
			return match(at.with(l), uri)
		}
	}
	if prefix != nil {
		return prefix
	}
	return at
}

// location splits the arguments: "location ~* \.php$" and "location /app".
func (d *directive) location() (kind, name string) {
	if d.name != "location" || len(d.args) == 0 {
		return "", ""
	}
	if len(d.args) > 1 {
		return d.args[0], d.args[1]
	}
	for _, kind := range []string{"^~", "~*", "~", "="} { // may stand without a space
		if name, ok := strings.CutPrefix(d.args[0], kind); ok {
			return kind, name
		}
	}
	if strings.HasPrefix(d.args[0], "@") {
		return "@", d.args[0]
	}
	return "", d.args[0]
}

// matches tries a regular expression. Go's are nearly nginx's; one that Go does not know matches nothing.
func (d *directive) matches(uri string) bool {
	kind, pattern := d.location()
	if kind == "~*" {
		pattern = "(?i)" + pattern
	}
	expression, err := regexp.Compile(pattern)
	return err == nil && expression.MatchString(uri)
}

// passed is the path that the server behind a proxy_pass gets, "" if that depends on a variable.
func (p place) passed(uri string) string {
	_, tail := splitTarget(p.pass().arg(0))
	kind, name := p.last().location()
	switch {
	case p.last().find("rewrite") != nil, strings.Contains(tail, "$"):
		return ""
	case tail == "" || kind != "" && kind != "^~" && kind != "=":
		return uri
	}
	return tail + strings.TrimPrefix(uri, name)
}

// splitTarget cuts a proxy_pass into the address and the path that takes the place of the location's, "" if it has none.
func splitTarget(target string) (address, tail string) {
	_, rest, ok := strings.Cut(target, "://")
	if !ok {
		return target, ""
	}
	if socket, ok := strings.CutPrefix(rest, "unix:"); ok {
		file, tail, _ := strings.Cut(socket, ":")
		return "unix:" + file, tail
	}
	address, tail, ok = strings.Cut(rest, "/")
	if ok {
		tail = "/" + tail
	}
	return address, tail
}
