package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"path/filepath"
)

// redisTLS returns the TLS configuration of connections to Redis; nil when they are not encrypted.
func (l *loader) redisTLS(secure bool) *tls.Config {
	ca, hasCA := l.tlsValue("REVERB_REDIS_CA_FILE", "cafile")
	cert, hasCert := l.tlsValue("REVERB_REDIS_CERT_FILE", "local_cert")
	key, hasKey := l.tlsValue("REVERB_REDIS_KEY_FILE", "local_pk")
	name, _ := l.tlsValue("REVERB_REDIS_SERVER_NAME", "peer_name")
	if !secure {
		for _, v := range []value{ca, cert, key} {
			if v.text != "" {
				l.problem(v.from, "is for TLS, which is not on; write rediss:// in REDIS_URL, or tls:// before the host in REDIS_HOST")
			}
		}
		return nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: name.text}
	if hasCA {
		c.RootCAs = l.authorities(ca)
	}
	switch {
	case hasCert && !hasKey:
		l.problem(cert.from, "has no key; set REVERB_REDIS_KEY_FILE too")
	case hasKey && !hasCert:
		l.problem(key.from, "has no certificate; set REVERB_REDIS_CERT_FILE too")
	case hasCert:
		l.clientCertificate(c, cert, key)
	}
	if verify := redisTLSSetting("REVERB_REDIS_VERIFY", "verify_peer"); !l.boolean(verify, true) {
		v, _ := l.find(verify)
		l.note("%s: the certificate of Redis is not checked; whoever is between can read and change everything", v.from)
		c.InsecureSkipVerify = true
	}
	return c
}

// redisTLSSetting returns a setting whose file key is PHP's, as in the ssl options of Laravel's Redis connections.
func redisTLSSetting(env, key string) setting { return scalingSetting(env, "server.ssl."+key) }

func (l *loader) tlsValue(env, key string) (value, bool) {
	v, ok := l.find(redisTLSSetting(env, key))
	return v, ok && v.text != ""
}

func (l *loader) authorities(v value) *x509.CertPool {
	text, err := l.read(v.text)
	if err != nil {
		l.unreadable(v, err, "name a file with the certificate of the authority")
		return nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		l.problem(v.from, "%s has no certificate in it; name a PEM file with the certificate of the authority", v.shown())
	}
	return pool
}

// clientCertificate makes go-redis read the files for every connection, so that a renewed certificate needs no restart.
func (l *loader) clientCertificate(c *tls.Config, cert, key value) {
	certFile, keyFile := l.absolute(cert.text), l.absolute(key.text)
	load := func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(certFile, keyFile)
		return &pair, err
	}
	for _, v := range []value{cert, key} {
		if _, err := l.read(v.text); err != nil {
			l.unreadable(v, err, "name a PEM file")
			return
		}
	}
	if _, err := load(nil); err != nil {
		l.check(cert, errors.New("does not fit to its key, or one of the two is no PEM file; name a pair that belongs together"))
		return
	}
	c.GetClientCertificate = load
}

func (l *loader) absolute(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(l.dir, name)
}
