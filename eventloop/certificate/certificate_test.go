package certificate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/youmark/pkcs8"
)

const passphrase = "a passphrase"

// issue writes a certificate with the serial number, and its key, into dir. encode makes the PEM block of the key.
func issue(t *testing.T, dir string, serial int64, encode func(*ecdsa.PrivateKey) *pem.Block) Files {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "test"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	f := Files{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	writeFile(t, f.Cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	writeFile(t, f.Key, pem.EncodeToMemory(encode(key)))
	return f
}

func writeFile(t *testing.T, name string, text []byte) {
	t.Helper()
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func plain(key *ecdsa.PrivateKey) *pem.Block {
	der, _ := x509.MarshalPKCS8PrivateKey(key)
	return &pem.Block{Type: "PRIVATE KEY", Bytes: der}
}

func encrypted(key *ecdsa.PrivateKey) *pem.Block {
	der, _ := pkcs8.MarshalPrivateKey(key, []byte(passphrase), nil)
	return &pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: der}
}

func legacyEncrypted(key *ecdsa.PrivateKey) *pem.Block {
	der, _ := x509.MarshalECPrivateKey(key)
	b, _ := x509.EncryptPEMBlock(rand.Reader, "EC PRIVATE KEY", der, []byte(passphrase), x509.PEMCipherAES256)
	return b
}

// serial is the serial number of the certificate for the next handshake.
func serial(t *testing.T, s *Source) int64 {
	t.Helper()
	c, err := s.Config().GetConfigForClient(nil)
	if err != nil {
		t.Fatal(err)
	}
	return c.Certificates[0].Leaf.SerialNumber.Int64()
}

func TestKeys(t *testing.T) {
	for _, tc := range []struct {
		name   string
		encode func(*ecdsa.PrivateKey) *pem.Block
		given  string
		tells  string // of the error; "" if there is none
	}{
		{"plain", plain, "", ""},
		{"plain, and a passphrase", plain, passphrase, ""},
		{"PKCS #8", encrypted, passphrase, ""},
		{"PKCS #8 without", encrypted, "", "none is given"},
		{"PKCS #8, wrong", encrypted, "wrong", "cannot be read"},
		{"legacy", legacyEncrypted, passphrase, ""},
		{"legacy without", legacyEncrypted, "", "none is given"},
		{"legacy, wrong", legacyEncrypted, "wrong", "cannot be read"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := issue(t, t.TempDir(), 1, tc.encode)
			f.Passphrase = tc.given
			_, err := Load(f)
			if tc.tells == "" && err != nil || tc.tells != "" && (err == nil || !strings.Contains(err.Error(), tc.tells)) {
				t.Error(err)
			}
			if err != nil && !strings.Contains(err.Error(), "key.pem") {
				t.Error("the file is not named:", err)
			}
		})
	}
}

func TestOneFileForBoth(t *testing.T) {
	f := issue(t, t.TempDir(), 1, plain)
	cert, _ := os.ReadFile(f.Cert)
	key, _ := os.ReadFile(f.Key)
	writeFile(t, f.Cert, append(cert, key...))
	if _, err := Load(Files{Cert: f.Cert}); err != nil {
		t.Error(err)
	}
}

func TestWrongFiles(t *testing.T) {
	f, other := issue(t, t.TempDir(), 1, plain), issue(t, t.TempDir(), 2, plain)
	for name, files := range map[string]Files{
		"no certificate":   {Cert: "/nonexistent", Key: f.Key},
		"no key":           {Cert: f.Cert, Key: "/nonexistent"},
		"not its key":      {Cert: f.Cert, Key: other.Key},
		"no authority":     {Cert: f.Cert, Key: f.Key, CAFile: f.Key},
		"no authorities":   {Cert: f.Cert, Key: f.Key, CAPath: t.TempDir()},
		"the other way on": {Cert: f.Key, Key: f.Cert},
	} {
		if _, err := Load(files); err == nil {
			t.Error(name)
		}
	}
}

func TestClientsNeedACertificate(t *testing.T) {
	f := issue(t, t.TempDir(), 1, plain)
	for _, files := range []Files{
		{Cert: f.Cert, Key: f.Key, CAFile: f.Cert}, {Cert: f.Cert, Key: f.Key, CAPath: filepath.Dir(f.Cert)},
	} {
		s, err := Load(files)
		if err != nil {
			t.Fatal(err)
		}
		if c, _ := s.Config().GetConfigForClient(nil); c.ClientAuth != tls.RequireAndVerifyClientCert || c.ClientCAs == nil {
			t.Error(c.ClientAuth)
		}
	}
}

// A renewed certificate is noticed and used. A broken one is an error once, and changes nothing.
func TestRenew(t *testing.T) {
	dir := t.TempDir()
	f := issue(t, dir, 1, plain)
	s, err := Load(f)
	if err != nil {
		t.Fatal(err)
	}
	renew := func(wantChange, wantError bool, want int64) {
		t.Helper()
		changed, err := s.Renew()
		if changed != wantChange || (err != nil) != wantError {
			t.Error("changed:", changed, err)
		}
		if got := serial(t, s); got != want {
			t.Errorf("the certificate is number %d, want %d", got, want)
		}
	}
	renew(false, false, 1)
	issue(t, dir, 2, plain)
	later(t, f, time.Second)
	renew(true, false, 2)
	renew(false, false, 2)
	writeFile(t, f.Key, []byte("half a"))
	renew(true, true, 2)
	renew(false, false, 2)
	issue(t, dir, 3, plain)
	later(t, f, 2*time.Second)
	renew(true, false, 3)
	if err := s.Reload(); err != nil {
		t.Error(err)
	}
}

// later sets the modification times of the files forward: some file systems have coarse ones.
func later(t *testing.T, f Files, d time.Duration) {
	t.Helper()
	at := time.Now().Add(d)
	for _, name := range []string{f.Cert, f.Key} {
		if err := os.Chtimes(name, at, at); err != nil {
			t.Fatal(err)
		}
	}
}
