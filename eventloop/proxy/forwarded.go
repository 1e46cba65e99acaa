package proxy

import (
	"net/http"
	"net/netip"
	"strings"
)

// DefaultHeader is the header that proxies add the address of a client to unless they are told otherwise.
const DefaultHeader = "X-Forwarded-For"

// forwarded is the one header with a grammar of its own (RFC 7239); every other one is a list of addresses, or a single address.
const forwarded = "Forwarded"

// Client is who a request came from, by the word of the trusted proxies that it went through: each has added the address that it
// heard the request from, so the right-most one that is no trusted proxy's is true, and what is left of it may be made up. Only the
// named header counts, in canonical form: a client can send any other one through a proxy that does not know it. ok is false if the
// header tells nobody.
func (t Trusted) Client(h http.Header, name string) (client netip.Addr, ok bool) {
	if name == forwarded {
		return t.rightmost(h[forwarded], forwardedFor)
	}
	return t.rightmost(h[name], node)
}

// rightmost goes through comma-separated elements from the last one on.
func (t Trusted) rightmost(values []string, read func(string) (netip.Addr, bool)) (client netip.Addr, ok bool) {
	for i := len(values) - 1; i >= 0; i-- {
		for rest := values[i]; rest != ""; {
			var element string
			rest, element = cutLast(rest)
			ip, known := read(element)
			if !known {
				return client, ok // who stands before an unknown one is not known either
			}
			client, ok = ip, true
			if !t.Address(ip) {
				return client, ok
			}
		}
	}
	return client, ok // every one is a proxy: the first of them asked by itself
}

// cutLast cuts off the last element of a list. Quotes are not looked at: no address has a comma in it.
func cutLast(list string) (rest, last string) {
	if i := strings.LastIndexByte(list, ','); i >= 0 {
		return list[:i], strings.TrimSpace(list[i+1:])
	}
	return "", strings.TrimSpace(list)
}

// forwardedFor is the for parameter of one element of a Forwarded header.
func forwardedFor(element string) (netip.Addr, bool) {
	for pair := range strings.SplitSeq(element, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if strings.EqualFold(name, "for") {
			return node(strings.Trim(value, `"`))
		}
	}
	return netip.Addr{}, false
}

// node is an address, with or without a port. An IPv6 address may stand in brackets.
func node(s string) (netip.Addr, bool) {
	if ip, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")); err == nil {
		return ip.Unmap().WithZone(""), true
	}
	if a, err := netip.ParseAddrPort(s); err == nil {
		return a.Addr().Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}
