package config

import (
	"errors"
	"net/http"
	"net/netip"
	"os"
	"strings"

	"reverbd/eventloop/certificate"
	"reverbd/eventloop/listen"
	"reverbd/eventloop/proxy"
)

// listening is everything between the network and the event loops.
func (l *loader) listening(c *Config) {
	c.Listen = l.listen(c.Dev)
	c.adoptAddress()
	for _, v := range l.listOf(setting{"trusted-proxies", "REVERB_TRUSTED_PROXIES", "servers.reverb.trusted_proxies"}) {
		_, err := proxy.Parse(v.text)
		l.check(v, quoting(v, err))
		c.TrustedProxies = append(c.TrustedProxies, v.text)
	}
	header := setting{"proxy-protocol", "REVERB_PROXY_PROTOCOL", "servers.reverb.proxy_protocol"}
	if c.ProxyProtocol = l.boolean(header, false); c.ProxyProtocol && len(c.TrustedProxies) == 0 {
		v, _ := l.find(header)
		l.problem(v.from, "is on, and no proxy is trusted to speak it; name them in --trusted-proxies or REVERB_TRUSTED_PROXIES")
	}
	c.ClientIPHeader = l.clientIPHeader(*c)
	c.TLS = l.tls(*c)
}

// clientIPHeader returns the canonical name of a header. It is an error to set it without trusted proxies: it would have no effect.
func (l *loader) clientIPHeader(c Config) string {
	v, ok := l.named(setting{"client-ip-header", "REVERB_CLIENT_IP_HEADER", "servers.reverb.client_ip_header"})
	switch {
	case !ok:
		return proxy.DefaultHeader
	case strings.ContainsFunc(v.text, notInHeaderName):
		l.problem(v.from, "%s is not the name of a header; give one such as X-Forwarded-For, Forwarded or CF-Connecting-IP", v.shown())
	case len(c.TrustedProxies) == 0:
		l.problem(v.from, "is given, and no proxy is trusted to send it; name them in --trusted-proxies or REVERB_TRUSTED_PROXIES")
	}
	return http.CanonicalHeaderKey(v.text)
}

// listen returns the addresses that replace host and port, if there are any. With --dev those of the file are ignored, as its host is.
func (l *loader) listen(dev bool) (addresses []listen.Address) {
	s := setting{"listen", "REVERB_LISTEN", "servers.reverb.listen"}
	if dev {
		if v, ok := l.file.values[s.file]; ok {
			l.note("%s: not used with --dev; give --listen or REVERB_LISTEN", v.from)
		}
		s.file = ""
	}
	seen := make(map[string]bool)
	for _, v := range l.listOf(s) {
		a, err := listen.Parse(v.text)
		l.check(v, quoting(v, err))
		if err == nil && seen[a.String()] {
			l.problem(v.from, "%s is given twice; remove one", v.shown())
		}
		seen[a.String()] = true
		addresses = append(addresses, a)
	}
	if v, ok := l.find(s); ok && len(addresses) == 0 && (v.isList || strings.TrimSpace(v.text) != "") {
		l.problem(v.from, "has no address in it; give some, or remove it")
	}
	return addresses
}

// Endpoints returns the addresses that the server listens on: Listen, or else host and port.
func (c Config) Endpoints() []listen.Address {
	if len(c.Listen) > 0 {
		return c.Listen
	}
	return []listen.Address{{Host: c.Host, Port: c.Port}}
}

// Addresses returns the names of the endpoints, by which commands find the server.
func (c Config) Addresses() []string {
	var names []string
	for _, a := range c.Endpoints() {
		names = append(names, a.String())
	}
	return names
}

// exposed returns an address of c that other machines may connect to, if there is one.
func (c Config) exposed() (a listen.Address, ok bool) {
	for _, a := range c.Endpoints() {
		ip, err := netip.ParseAddr(a.Host)
		if a.Path == "" && a.Host != "localhost" && (err != nil || !ip.IsLoopback()) {
			return a, true
		}
	}
	return a, false
}

// adoptAddress makes host and port those of the first TCP address of Listen, or 0 if it has none: the start line shows them and preflight checks them.
func (c *Config) adoptAddress() {
	if len(c.Listen) == 0 {
		return
	}
	c.Host, c.Port = "", 0
	for _, a := range c.Listen {
		if a.Path == "" {
			c.Host, c.Port = a.Host, a.Port
			return
		}
	}
}

// listOf returns the elements of a setting, without the space around them; none if it is not set.
func (l *loader) listOf(s setting) []value {
	v, _ := l.find(s)
	return v.elements()
}

// elements returns the elements of a list, or of one text with commas between them, without the space around them.
func (v value) elements() []value {
	elements := v.list
	if !v.isList && strings.TrimSpace(v.text) != "" {
		for part := range strings.SplitSeq(v.text, ",") {
			elements = append(elements, value{text: part, from: v.from})
		}
	}
	for i := range elements {
		elements[i].text = strings.TrimSpace(elements[i].text)
	}
	return elements
}

// quoting returns an error that begins with the quoted value.
func quoting(v value, err error) error {
	if err == nil {
		return nil
	}
	return errors.New(v.shown() + " " + err.Error())
}

// TLS is the configuration of TLS on TCP, and the setting that turned it on.
type TLS struct {
	certificate.Files
	Reason string // for the start line
}

// tls returns nil when the process does not speak TLS: without a certificate that is configured or, as in Reverb, found by the host.
func (l *loader) tls(c Config) *TLS {
	key := func(name string) string { return "servers.reverb.options.tls." + name }
	cert, hasCert := l.named(setting{"tls-cert", "REVERB_TLS_CERT", key("local_cert")})
	pk, hasKey := l.named(setting{"tls-key", "REVERB_TLS_KEY", key("local_pk")})
	if hasKey && !hasCert {
		l.problem(pk.from, "has no certificate; name one in --tls-cert or REVERB_TLS_CERT")
		return nil
	}
	t := &TLS{Reason: "TLS by " + cert.from.key}
	if hasCert {
		t.Cert = l.absolute(cert.text)
	} else if t, cert = l.localCertificate(c.Hostname); t == nil {
		return nil
	}
	if hasKey {
		t.Key = l.absolute(pk.text)
	}
	phrase, _ := l.find(setting{"", "REVERB_TLS_PASSPHRASE", key("passphrase")})
	t.Passphrase = phrase.text
	if v, ok := l.named(setting{"", "REVERB_TLS_CA_FILE", key("cafile")}); ok {
		t.CAFile = l.absolute(v.text)
	}
	if v, ok := l.named(setting{"", "", key("capath")}); ok {
		t.CAPath = l.absolute(v.text)
	}
	source, err := certificate.Load(t.Files)
	if err != nil {
		l.problem(cert.from, "cannot be used: %v", err)
		return nil
	}
	if w := source.Warning(); w != "" {
		l.note("%s: %s", cert.from, w)
	}
	return t
}

// named returns a setting that is set and not empty.
func (l *loader) named(s setting) (value, bool) {
	v, ok := l.find(s)
	return v, ok && v.text != ""
}

// localCertificate returns the certificate that Laravel Herd or Valet has made for the host.
func (l *loader) localCertificate(host string) (*TLS, value) {
	home, ok := l.lookup("HOME")
	if host == "" || !ok || !isName(host) || strings.Contains(host, "..") {
		return nil, value{}
	}
	for _, place := range []struct{ name, dir string }{
		{"Herd", "/Library/Application Support/Herd/config/valet/Certificates/"},
		{"Valet", "/.config/valet/Certificates/"},
	} {
		base := home + place.dir + host
		if isThere(base+".crt") && isThere(base+".key") {
			return &TLS{
				Files:  certificate.Files{Cert: base + ".crt", Key: base + ".key"},
				Reason: "TLS by the certificate that " + place.name + " has for " + host,
			}, value{text: base + ".crt", from: origin{key: base + ".crt"}}
		}
	}
	return nil, value{}
}

func isThere(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}
