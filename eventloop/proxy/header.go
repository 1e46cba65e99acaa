package proxy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

// ErrHeader is the error for a connection that does not begin with a header of the PROXY protocol.
var ErrHeader = errors.New("proxy: not a header of the PROXY protocol")

// MaxHeader is the longest header that Header accepts, in bytes. Version 2 allows longer ones, by extensions that no proxy sends.
const MaxHeader = 4096

const (
	maxV1     = 107 // with its line end
	v2Fixed   = 16
	signature = "\r\n\r\n\x00\r\nQUIT\n"
)

// Header reads a header of the PROXY protocol, version 1 or 2 (proxy-protocol.txt of HAProxy), from the beginning of p. n is its length
// in bytes; 0 without an error means that more of it is needed. What follows the header belongs to the connection. client is not valid
// if the header names none: the connection is the proxy's own (LOCAL, as for health checks), or the proxy does not know (UNKNOWN).
func Header(p []byte) (client netip.AddrPort, n int, err error) {
	if len(p) == 0 {
		return client, 0, nil
	}
	if p[0] == signature[0] {
		return headerV2(p)
	}
	return headerV1(p)
}

func headerV1(p []byte) (client netip.AddrPort, n int, err error) {
	const begin = "PROXY "
	if known := min(len(p), len(begin)); string(p[:known]) != begin[:known] {
		return client, 0, ErrHeader
	}
	end := bytes.IndexByte(p[:min(len(p), maxV1)], '\n')
	switch {
	case end < 0 && len(p) < maxV1:
		return client, 0, nil
	case end < 1 || p[end-1] != '\r':
		return client, 0, ErrHeader
	}
	fields := strings.Split(string(p[len(begin):end-1]), " ")
	n = end + 1
	if fields[0] == "UNKNOWN" {
		return client, n, nil
	}
	if len(fields) != 5 || fields[0] != "TCP4" && fields[0] != "TCP6" {
		return client, 0, ErrHeader
	}
	source, err1 := netip.ParseAddr(fields[1])
	destination, err2 := netip.ParseAddr(fields[2])
	port, ok1 := portNumber(fields[3])
	_, ok2 := portNumber(fields[4])
	if err1 != nil || err2 != nil || !ok1 || !ok2 || source.Zone() != "" || source.Is4() != (fields[0] == "TCP4") ||
		destination.Is4() != source.Is4() {
		return client, 0, ErrHeader
	}
	return netip.AddrPortFrom(source.Unmap(), port), n, nil
}

// portNumber reads a port without leading zeros.
func portNumber(s string) (uint16, bool) {
	v, err := strconv.ParseUint(s, 10, 16)
	return uint16(v), err == nil && (s == "0" || s[0] >= '1' && s[0] <= '9')
}

func headerV2(p []byte) (client netip.AddrPort, n int, err error) {
	if known := min(len(p), len(signature)); string(p[:known]) != signature[:known] {
		return client, 0, ErrHeader
	}
	if len(p) < v2Fixed {
		return client, 0, nil
	}
	version, command, family := p[12]>>4, p[12]&0x0f, p[13]
	n = v2Fixed + int(binary.BigEndian.Uint16(p[14:]))
	if version != 2 || command > 1 || n > MaxHeader {
		return client, 0, ErrHeader
	}
	if len(p) < n {
		return client, 0, nil
	}
	if command == 0 { // LOCAL
		return client, n, nil
	}
	addresses := p[v2Fixed:n]
	switch family {
	case 0x11: // TCP over IPv4
		if len(addresses) < 12 {
			return client, 0, ErrHeader
		}
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(addresses)), binary.BigEndian.Uint16(addresses[8:])), n, nil
	case 0x21: // TCP over IPv6
		if len(addresses) < 36 {
			return client, 0, ErrHeader
		}
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(addresses)).Unmap(), binary.BigEndian.Uint16(addresses[32:])), n, nil
	}
	return client, n, nil // of another address family, or unspecified: the proxy does not know
}
