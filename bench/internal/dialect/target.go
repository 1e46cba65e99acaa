package dialect

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"reverbd/protocol/ws"
)

// Target is a server and the credentials of an app on it.
type Target struct {
	Address netip.AddrPort
	Host    string // for the Host header
	Prefix  string // in front of all paths, "" or beginning with a slash and not ending with one

	AppID, Key, Secret string
}

// ParseTarget parses ws://host:port/prefix and resolves the host.
func ParseTarget(ctx context.Context, rawURL string) (Target, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return Target{}, fmt.Errorf("bench: the URL %q: %w", rawURL, err)
	}
	switch {
	case u.Scheme == "wss", u.Scheme == "https":
		return Target{}, errors.New("bench: TLS is not supported, since it would mostly measure TLS: use the server's plain port (ws://)")
	case u.Scheme != "ws" && u.Scheme != "http", u.Hostname() == "":
		return Target{}, fmt.Errorf("bench: the URL %q is not of the form ws://host:port", rawURL)
	}
	port := u.Port()
	if port == "" {
		port = "80"
	}
	addr, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil {
		return Target{}, fmt.Errorf("bench: looking up %s: %w", u.Hostname(), err)
	}
	number, err := net.DefaultResolver.LookupPort(ctx, "tcp", port)
	if err != nil {
		return Target{}, fmt.Errorf("bench: the URL %q: %w", rawURL, err)
	}
	return Target{
		Address: netip.AddrPortFrom(preferred(addr), uint16(number)),
		Host:    u.Host,
		Prefix:  strings.TrimSuffix(u.EscapedPath(), "/"),
	}, nil
}

// preferred returns the first IPv4 address, because only there source addresses are spread, or else the first address.
func preferred(addresses []netip.Addr) netip.Addr {
	for _, a := range addresses {
		if a = a.Unmap(); a.Is4() {
			return a
		}
	}
	return addresses[0]
}

// AppendUpgrade appends the request of a WebSocket handshake, with an offer of compression if compress is set. All clients send the
// same key, so that the answer is known.
func (t Target) AppendUpgrade(dst []byte, compress bool) []byte {
	dst = append(dst, "GET "...)
	dst = append(dst, t.Prefix...)
	dst = append(dst, "/app/"...)
	dst = append(dst, url.PathEscape(t.Key)...)
	dst = append(dst, "?protocol=7&client=reverb-bench&version=1.0 HTTP/1.1\r\nHost: "...)
	dst = append(dst, t.Host...)
	dst = append(dst, "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "...)
	dst = append(dst, WebSocketKey...)
	if compress {
		dst = append(dst, "\r\nSec-WebSocket-Extensions: "+ws.DeflateExtension...)
	}
	return append(dst, "\r\n\r\n"...)
}

// WebSocketKey is the Sec-WebSocket-Key of every handshake, and WebSocketAccept the Sec-WebSocket-Accept that answers it (the example
// of RFC 6455 section 1.3).
const (
	WebSocketKey    = "dGhlIHNhbXBsZSBub25jZQ=="
	WebSocketAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
)
