package config

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

var (
	errHasScheme = errors.New("has a scheme; give the host alone, such as example.com")
	errHasPort   = errors.New("has a port; give the host alone, and the port in its own setting")
	errNotHost   = errors.New("is not a host; give an IP address or a name, such as 127.0.0.1 or example.com")
)

// bindHost accepts an IP address, with or without brackets, or a name.
func bindHost(s string) (string, error) {
	if strings.Contains(s, "://") {
		return "", errHasScheme
	}
	bare := strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")
	if ip, err := netip.ParseAddr(bare); err == nil {
		return ip.String(), nil
	}
	if name, port, ok := strings.Cut(s, ":"); ok && isName(name) && isDigits(port) {
		return "", errHasPort
	}
	if _, err := netip.ParseAddrPort(s); err == nil {
		return "", errHasPort
	}
	if !isName(s) {
		return "", errNotHost
	}
	return s, nil
}

// routePrefix brings a path into the one form that routes and signatures use: "" or "/a/b".
func routePrefix(s string) (string, error) {
	s = strings.Trim(s, "/")
	if s == "" {
		return "", nil
	}
	for part := range strings.SplitSeq(s, "/") {
		if part == "" || part == "." || part == ".." || strings.ContainsFunc(part, notInPath) {
			return "", errors.New("is not a path prefix; give words of letters, digits, dots, dashes and underscores " +
				"between slashes, such as /ws")
		}
	}
	return "/" + s, nil
}

// identifier checks an application's id or key: it stands in a URL path, and the key before the colon of a signature.
// The text itself is not in the error, because users paste secrets into the wrong line.
func identifier(s string) error {
	for _, r := range s {
		if r <= ' ' || r >= 0x7f || strings.ContainsRune("/?#%:\"\\", r) {
			return fmt.Errorf("contains %q, which cannot stand in a URL path or a signature; "+
				"use letters, digits, dashes and underscores", r)
		}
	}
	return nil
}

// originPattern checks a pattern of allowed_origins: a host, or [scheme://]host[:port]. Browsers send hosts in lower case and in
// ASCII, and an origin has no path.
func originPattern(s string) error {
	scheme, rest, whole := strings.Cut(s, "://")
	if !whole {
		rest = s
	}
	host, path, _ := strings.Cut(rest, "/")
	if _, port, ok := strings.Cut(strings.TrimLeft(host, "["), "]:"); ok || strings.Count(host, ":") == 1 {
		if !ok {
			_, port, _ = strings.Cut(host, ":")
		}
		if n, err := strconv.ParseUint(port, 10, 16); port != "*" && (err != nil || n == 0) {
			return fmt.Errorf("%s has a port that is not a number from 1 to 65535; give one, or * for any", value{text: s}.shown())
		}
	}
	pattern := strings.TrimSuffix(s, "/"+path)
	switch {
	case s == "":
		return errors.New("is an empty pattern, which matches nothing; give a host, or * for all")
	case strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return errors.New("contains a space or control character; give one origin a pattern")
	case strings.ContainsFunc(s, func(r rune) bool { return r > 0x7f }):
		return errors.New("is not ASCII, and browsers send hosts in punycode: write it as xn-- and what follows")
	case whole && (scheme == "" || strings.ContainsRune(scheme, '*')):
		return fmt.Errorf("%s has no scheme that a browser sends; write https://, or the host alone for any scheme", value{text: s}.shown())
	case pattern != s:
		return fmt.Errorf("%s can never match, since an origin has no path; write %q", value{text: s}.shown(), strings.ToLower(pattern))
	case s != strings.ToLower(s):
		return fmt.Errorf("%s can never match, since browsers send hosts in lower case; write %q",
			value{text: s}.shown(), strings.ToLower(s))
	}
	return nil
}

func isName(s string) bool {
	return s != "" && len(s) <= 253 && !strings.HasPrefix(s, "-") && !strings.ContainsFunc(s, notInName)
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

func notInName(r rune) bool { return notInPath(r) || r == '~' }

// notInHeaderName: a token by RFC 9110 section 5.6.2, without those of its characters that no header has.
func notInHeaderName(r rune) bool { return r == '.' || r == '~' || notInPath(r) }

func notInPath(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return false
	}
	return !strings.ContainsRune("-_.~", r)
}
