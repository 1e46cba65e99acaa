package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// authority is a certificate authority for one test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool // of clients that trust it
	file string         // the same as PEM
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{key: newKey(t), pool: x509.NewCertPool()}
	a.cert = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "reverbd test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, a.cert, a.cert, &a.key.PublicKey, a.key)
	must(t, err)
	a.cert, err = x509.ParseCertificate(der)
	must(t, err)
	a.pool.AddCert(a.cert)
	a.file = writePEM(t, "ca.pem", "CERTIFICATE", der)
	return a
}

// issue makes a certificate for the name and 127.0.0.1, and returns the files of it and of its key.
func (a *authority) issue(t *testing.T, name string) (cert, key string) {
	t.Helper()
	secret := newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, &secret.PublicKey, a.key)
	must(t, err)
	bytes, err := x509.MarshalPKCS8PrivateKey(secret)
	must(t, err)
	return writePEM(t, "cert.pem", "CERTIFICATE", der), writePEM(t, "key.pem", "PRIVATE KEY", bytes)
}

// bundle writes a new certificate for the name and its key into one file.
func (a *authority) bundle(t *testing.T, file, name string) {
	t.Helper()
	cert, key := a.issue(t, name)
	var both []byte
	for _, part := range []string{cert, key} {
		text, err := os.ReadFile(part)
		must(t, err)
		both = append(both, text...)
	}
	must(t, os.WriteFile(file, both, 0o600))
}

// trustedByChromium is the environment in which Chromium has the authority in its store, and Node trusts it.
func (a *authority) trustedByChromium(t *testing.T) []string {
	t.Helper()
	home := t.TempDir()
	store := filepath.Join(home, ".pki", "nssdb")
	must(t, os.MkdirAll(store, 0o700))
	run(t, home, "certutil", "-N", "--empty-password", "-d", "sql:"+store)
	run(t, home, "certutil", "-A", "-n", "reverbd test", "-t", "C,,", "-i", a.file, "-d", "sql:"+store)
	return []string{"NODE_EXTRA_CA_CERTS=" + a.file, "HOME=" + home}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return key
}

func writePEM(t *testing.T, name, kind string, der []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	must(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	return file
}
