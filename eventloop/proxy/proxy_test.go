package proxy

import (
	"bytes"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func trusting(t *testing.T, list ...string) Trusted {
	t.Helper()
	trusted, err := Parse(list...)
	if err != nil {
		t.Fatal(err)
	}
	return trusted
}

func TestTrusted(t *testing.T) {
	trusted := trusting(t, "10.0.0.0/8", "192.0.2.7", "fd00::/8", "::ffff:198.51.100.1", "unix")
	for address, want := range map[string]bool{
		"10.1.2.3": true, "::ffff:10.1.2.3": true, "11.0.0.1": false, "192.0.2.7": true, "192.0.2.8": false,
		"fd12::1": true, "fe80::1": false, "198.51.100.1": true,
	} {
		if got := trusted.Peer(&net.TCPAddr{IP: net.ParseIP(address), Port: 1}); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
	if !trusted.Peer(&net.UnixAddr{}) || trusting(t, "10.0.0.0/8").Peer(&net.UnixAddr{}) {
		t.Error("unix")
	}
	if !(Trusted{}).None() || trusted.None() || trusting(t, "unix").None() || (Trusted{}).Peer(&net.TCPAddr{}) {
		t.Error("none")
	}
	for _, wrong := range []string{"", "10.0.0.0/33", "proxy.example", "10.0.0.1:80", "Unix"} {
		if _, err := Parse(wrong); err == nil {
			t.Error(wrong)
		}
	}
}

func TestClient(t *testing.T) {
	trusted := trusting(t, "10.0.0.0/8", "::1")
	for _, tc := range []struct {
		name, header, value, want string
	}{
		{"one", "X-Forwarded-For", "203.0.113.1", "203.0.113.1"},
		{"what the client made up", "X-Forwarded-For", "1.1.1.1, 203.0.113.1", "203.0.113.1"},
		{"through two proxies", "X-Forwarded-For", "1.1.1.1,203.0.113.1 , 10.0.0.1", "203.0.113.1"},
		{"the proxy itself", "X-Forwarded-For", "10.0.0.2, 10.0.0.1", "10.0.0.2"},
		{"with a port", "X-Forwarded-For", "203.0.113.1:4711", "203.0.113.1"},
		{"IPv6", "X-Forwarded-For", "2001:db8::1", "2001:db8::1"},
		{"IPv6 in brackets", "X-Forwarded-For", "[2001:db8::1]:80, ::1", "2001:db8::1"},
		{"nobody", "X-Forwarded-For", "", ""},
		{"unknown", "X-Forwarded-For", "203.0.113.1, unknown", ""},
		{"unknown before a proxy", "X-Forwarded-For", "203.0.113.1, unknown, 10.0.0.1", "10.0.0.1"},
		{"two lines", "X-Forwarded-For", "1.1.1.1\n203.0.113.1, 10.0.0.1", "203.0.113.1"},
		{"Forwarded", "Forwarded", "for=203.0.113.1;proto=https;by=10.0.0.1", "203.0.113.1"},
		{"in any case, in any place", "Forwarded", `proto=http; For="203.0.113.1:1"`, "203.0.113.1"},
		{"IPv6 in quotes", "Forwarded", `for=1.1.1.1, for="[2001:db8::1]:4711", for=10.0.0.1`, "2001:db8::1"},
		{"hidden", "Forwarded", "for=203.0.113.1, for=_hidden", ""},
		{"no for", "Forwarded", "proto=https", ""},
	} {
		h := http.Header{}
		for line := range strings.SplitSeq(tc.value, "\n") {
			h.Add(tc.header, line)
		}
		got, ok := trusted.Client(h, tc.header)
		if ok != (tc.want != "") || ok && got != netip.MustParseAddr(tc.want) {
			t.Errorf("%s: %v, %v", tc.name, got, ok)
		}
	}
	all := http.Header{"Forwarded": {"for=203.0.113.1"}, "X-Forwarded-For": {"203.0.113.2"}, "Cf-Connecting-Ip": {"203.0.113.3"}}
	for name, want := range map[string]string{"Forwarded": "203.0.113.1", DefaultHeader: "203.0.113.2", "Cf-Connecting-Ip": "203.0.113.3"} {
		if got, ok := trusted.Client(all, name); !ok || got.String() != want {
			t.Errorf("%s: %v, %v", name, got, ok)
		}
	}
	if got, ok := trusted.Client(all, "X-Real-Ip"); ok {
		t.Error("by a header that is not there:", got)
	}
}

// v2 is a header of version 2.
func v2(command, family byte, rest string) string {
	return signature + string([]byte{0x20 | command, family, byte(len(rest) >> 8), byte(len(rest))}) + rest
}

const (
	four = "\xcb\x00\x71\x01\x0a\x00\x00\x01\x12\x67\x1f\x90"                                        // 203.0.113.1:4711 to 10.0.0.1:8080
	six  = "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" + "1234567890123456" + // 2001:db8::1
		"\x12\x67\x1f\x90"
)

var headers = []struct{ name, header, want string }{
	{"v1", "PROXY TCP4 203.0.113.1 10.0.0.1 4711 8080\r\n", "203.0.113.1:4711"},
	{"v1, IPv6", "PROXY TCP6 2001:db8::1 ::1 4711 8080\r\n", "[2001:db8::1]:4711"},
	{"v1, unknown", "PROXY UNKNOWN\r\n", ""},
	{"v1, unknown with addresses", "PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", ""},
	{"v2", v2(1, 0x11, four), "203.0.113.1:4711"},
	{"v2, IPv6", v2(1, 0x21, six), "[2001:db8::1]:4711"},
	{"v2, with an extension", v2(1, 0x11, four+"\x03\x00\x04abcd"), "203.0.113.1:4711"},
	{"v2, local", v2(0, 0, ""), ""},
	{"v2, local with addresses", v2(0, 0x11, four), ""},
	{"v2, unspecified", v2(1, 0, "anything"), ""},
	{"v2, unix", v2(1, 0x31, strings.Repeat("x", 216)), ""},
}

// Every header is read to its end and no further, and needs all of its bytes.
func TestHeader(t *testing.T) {
	for _, tc := range headers {
		client, n, err := Header([]byte(tc.header + "GET / HTTP/1.1\r\n"))
		if err != nil || n != len(tc.header) {
			t.Errorf("%s: %d of %d bytes, %v", tc.name, n, len(tc.header), err)
		}
		if client.IsValid() != (tc.want != "") || client.IsValid() && client.String() != tc.want {
			t.Errorf("%s: %v, want %s", tc.name, client, tc.want)
		}
		for i := range tc.header {
			if _, n, err := Header([]byte(tc.header[:i])); n != 0 || err != nil {
				t.Fatalf("%s: after %d bytes %d, %v", tc.name, i, n, err)
			}
		}
	}
}

func TestHeaderRefuses(t *testing.T) {
	for _, header := range []string{
		"GET / HTTP/1.1\r\n", "\x16\x03\x01", "PROXY\r\n", "PROXY TCP4\r\n", "PROXY TCP4 1.1.1.1 1.1.1.1 1 1\n",
		"PROXY TCP4 1.1.1.1 1.1.1.1 1 65536\r\n", "PROXY TCP4 1.1.1.1 1.1.1.1 01 1\r\n", "PROXY TCP4 1.1.1.1 1.1.1.1  1\r\n",
		"PROXY TCP4 ::1 ::1 1 1\r\n", "PROXY TCP6 1.1.1.1 1.1.1.1 1 1\r\n", "PROXY TCP4 1.1.1.1 1.1.1.1 1 1 1\r\n",
		"PROXY UDP4 1.1.1.1 1.1.1.1 1 1\r\n", "PROXY TCP6 fe80::1%eth0 fe80::1 1 1\r\n", "PROXY TCP4 1.1.1.1 1.1.1.1 1 +1\r\n",
		"PROXY " + strings.Repeat("x", maxV1), "\r\n\r\n\x00\r\nQUIX", v2(2, 0x11, four), v2(1, 0x11, four[:11]), v2(1, 0x21, six[:35]),
		strings.Replace(v2(1, 0x11, four), "\x21", "\x11", 1), v2(1, 0x11, strings.Repeat("x", MaxHeader)),
	} {
		if client, n, err := Header([]byte(header)); !errors.Is(err, ErrHeader) || n != 0 || client.IsValid() {
			t.Errorf("%q: %v %d %v", header, client, n, err)
		}
	}
}

// Header returns the same however the bytes arrive, and never asks for more than MaxHeader.
func FuzzHeader(f *testing.F) {
	for _, tc := range headers {
		f.Add([]byte(tc.header+"rest"), 3)
	}
	f.Add([]byte("PROXY TCP4 1.1.1.1 1.1.1.1 01 1\r\n"), 1)
	f.Fuzz(func(t *testing.T, p []byte, cut int) {
		before := bytes.Clone(p)
		client, n, err := Header(p)
		switch {
		case n < 0 || n > len(p) || n > MaxHeader || err != nil && (n != 0 || client.IsValid()):
			t.Fatal(client, n, err)
		case n == 0 && err == nil && len(p) >= MaxHeader:
			t.Fatal("asks for more than a header may have")
		case !bytes.Equal(p, before):
			t.Fatal("changed its input")
		}
		if cut < 0 || cut > len(p) {
			return
		}
		early, m, earlyErr := Header(p[:cut])
		switch {
		case m != 0 && (m != n || early != client):
			t.Fatal("a part is read otherwise", m, n)
		case earlyErr != nil && err == nil:
			t.Fatal("a part is refused")
		}
	})
}

func FuzzClient(f *testing.F) {
	f.Add("1.1.1.1, 10.0.0.1", `for="[::1]:1"`)
	f.Fuzz(func(t *testing.T, xff, forwarded string) {
		trusted, _ := Parse("10.0.0.0/8", "::1")
		h := http.Header{"X-Forwarded-For": {xff}, "Forwarded": {forwarded}}
		for name := range h {
			if client, ok := trusted.Client(h, name); ok != client.IsValid() {
				t.Fatal(client, ok)
			}
		}
	})
}
