package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"reverbd/cmd/reverbd/config"
)

func TestListen(t *testing.T) {
	for name, in := range map[string]sources{
		"flag":        dotenv("").flag("listen", "127.0.0.1:9000,unix:/run/r.sock?mode=0600"),
		"environment": dotenv("REVERB_LISTEN=\"127.0.0.1:9000, unix:/run/r.sock?mode=0600\""),
		"file":        server(`listen: ["127.0.0.1:9000", "unix:/run/r.sock?mode=0600"]`),
	} {
		c := in.mustLoad(t)
		if got := fmt.Sprint(c.Endpoints()); got != "[127.0.0.1:9000 unix:/run/r.sock]" || c.Listen[1].Mode != 0o600 {
			t.Errorf("%s: %s", name, got)
		}
		if c.Host != "127.0.0.1" || c.Port != 9000 {
			t.Errorf("%s: host %s, port %d", name, c.Host, c.Port)
		}
	}
	if got := fmt.Sprint(dotenv("REVERB_SERVER_PORT=9000").mustLoad(t).Endpoints()); got != "[0.0.0.0:9000]" {
		t.Error("without it:", got)
	}
	if c := dotenv("REVERB_LISTEN=unix:/run/r.sock").mustLoad(t); c.Host != "" || c.Port != 0 {
		t.Error("a unix socket has", c.Host, c.Port)
	}
}

// The demo app must not be open to the network by the list of a file.
func TestDevDoesNotListenWhereTheFileSays(t *testing.T) {
	c := server(`listen: ["0.0.0.0:9000"]`).flag("dev", "true").mustLoad(t)
	if got := fmt.Sprint(c.Endpoints()); got != "[127.0.0.1:8080]" || !strings.Contains(strings.Join(c.Notes, "\n"), "servers.reverb.listen") {
		t.Error(got, c.Notes)
	}
	c = sources{}.flag("dev", "true").flag("listen", "127.0.0.1:1,0.0.0.0:9000").mustLoad(t)
	if !strings.Contains(strings.Join(c.Notes, "\n"), "can be reached from other machines") {
		t.Error(c.Notes)
	}
}

func TestTrustedProxies(t *testing.T) {
	for name, in := range map[string]sources{
		"flags":       dotenv("").flag("trusted-proxies", "10.0.0.0/8,unix").flag("proxy-protocol", "true"),
		"environment": dotenv("REVERB_TRUSTED_PROXIES=\"10.0.0.0/8, unix\"\nREVERB_PROXY_PROTOCOL=1"),
		"file":        server("trusted_proxies: [10.0.0.0/8, unix]\n    proxy_protocol: true"),
	} {
		if c := in.mustLoad(t); !reflect.DeepEqual(c.TrustedProxies, []string{"10.0.0.0/8", "unix"}) || !c.ProxyProtocol {
			t.Error(name, c.TrustedProxies, c.ProxyProtocol)
		}
	}
}

func TestClientIPHeader(t *testing.T) {
	const trusting = "REVERB_TRUSTED_PROXIES=10.0.0.0/8\n"
	for want, in := range map[string]sources{
		"X-Forwarded-For":  dotenv(trusting),
		"Forwarded":        dotenv(trusting).flag("client-ip-header", "forwarded"),
		"Cf-Connecting-Ip": dotenv(trusting + "REVERB_CLIENT_IP_HEADER=CF-Connecting-IP"),
		"X-Real-Ip":        server("trusted_proxies: [10.0.0.0/8]\n    client_ip_header: x-real-ip"),
	} {
		if got := in.mustLoad(t).ClientIPHeader; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// certificatePair is a certificate and its key in PEM.
func certificatePair(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pk, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pk}))
}

func TestTLS(t *testing.T) {
	cert, key := certificatePair(t)
	for _, tc := range []struct {
		name, reason string
		in           sources
	}{
		{"flags", "TLS by --tls-cert", dotenv("").flag("tls-cert", "c.pem").flag("tls-key", "k.pem")},
		{"environment", "TLS by REVERB_TLS_CERT", dotenv("REVERB_TLS_CERT=c.pem\nREVERB_TLS_KEY=k.pem")},
		{"file", "TLS by servers.reverb.options.tls.local_cert", server("options: {tls: {local_cert: c.pem, local_pk: k.pem}}")},
		{"one file", "TLS by --tls-cert", dotenv("").flag("tls-cert", "both.pem")},
		{"with authorities", "TLS by --tls-cert", dotenv("REVERB_TLS_CA_FILE=c.pem").flag("tls-cert", "both.pem")},
	} {
		tc.in.files["c.pem"], tc.in.files["k.pem"], tc.in.files["both.pem"] = cert, key, cert+key
		c := tc.in.mustLoad(t)
		if c.TLS == nil || c.TLS.Reason != tc.reason || !filepath.IsAbs(c.TLS.Cert) {
			t.Errorf("%s: %+v", tc.name, c.TLS)
		}
	}
	if c := server("options: {tls: {local_cert: ~, local_pk: '', verify_peer: false}}").mustLoad(t); c.TLS != nil {
		t.Errorf("nothing is %+v", c.TLS)
	}
}

// As in Reverb the certificate that Herd or Valet has for the host is used, and it is told why.
func TestTLSByHostname(t *testing.T) {
	cert, key := certificatePair(t)
	for place, dir := range map[string]string{
		"Herd": "Library/Application Support/Herd/config/valet/Certificates", "Valet": ".config/valet/Certificates",
	} {
		home := t.TempDir()
		if err := os.MkdirAll(filepath.Join(home, dir), 0o700); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"app.test.crt": cert, "app.test.key": key} {
			if err := os.WriteFile(filepath.Join(home, dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		load := func(host string) *config.TLS {
			return dotenv("REVERB_HOST=" + host).with(map[string]string{"HOME": home}).mustLoad(t).TLS
		}
		if tls := load("app.test"); tls == nil || !strings.Contains(tls.Reason, place) || !strings.Contains(tls.Reason, "app.test") {
			t.Errorf("%s: %+v", place, tls)
		}
		if tls := load("other.test"); tls != nil {
			t.Errorf("%s: %+v for another host", place, tls)
		}
	}
}
