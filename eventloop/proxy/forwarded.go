package proxy

import (
	"net/http"
	"net/netip"
	"strings"
)

// DefaultHeader is the header to which proxies add the address of a client by default.
const DefaultHeader = "X-Forwarded-For"

// forwarded is the header that has a grammar of its own (RFC 7239). Every other one is a list of addresses, or a single address.
const forwarded = "Forwarded"

// Client is the address of the client that sent a request through trusted proxies. Each proxy has added the address that it got the
// request from. So the right-most address that is not of a trusted proxy is true, and addresses to the left of it may be forged. name
// is the header to read, in canonical form; no other one is read, since a client can send it through a proxy that does not know it. ok
// is false if the header names no address.
func (t Trusted) Client(h http.Header, name string) (client netip.Addr, ok bool) {
	if name == forwarded {
		return t.rightmost(h[forwarded], forwardedFor)
	}
	return t.rightmost(h[name], node)
}

// rightmost reads comma-separated elements from the last one to the first.
func (t Trusted) rightmost(values []string, read func(string) (netip.Addr, bool)) (client netip.Addr, ok bool) {
	for i := len(values) - 1; i >= 0; i-- {
		for rest := values[i]; rest != ""; {
			var element string
			rest, element = cutLast(rest)
			ip, known := read(element)
			if !known {
				return client, ok // what is to the left of an unknown address cannot be believed
			}
			client, ok = ip, true
			if !t.Address(ip) {
				return client, ok
			}
		}
	}
	return client, ok // all are trusted proxies: the first one has sent the request itself
}

// cutLast cuts off the last element of a list. It ignores quotes: no address contains a comma.
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
