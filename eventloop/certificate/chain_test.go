package certificate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority is a certificate with its key.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// newAuthority issues a certificate for name, by itself if by is nil.
func newAuthority(t *testing.T, name string, ca bool, by *authority) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: ca, BasicConstraintsValid: true,
	}
	if !ca {
		template.DNSNames = []string{name}
	}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key}
}

func TestChains(t *testing.T) {
	root := newAuthority(t, "Root", true, nil)
	intermediate := newAuthority(t, "Intermediate", true, root)
	leaf, other := newAuthority(t, "ws.example.test", false, intermediate), newAuthority(t, "other.test", false, intermediate)
	self := newAuthority(t, "self.test", false, nil)
	for _, tt := range []struct {
		name       string
		chain      []*authority
		key        *authority
		err, warns string // "" for none
	}{
		{"complete", []*authority{leaf, intermediate, root}, leaf, "", ""},
		{"signed by itself", []*authority{self}, self, "", ""},
		{"no intermediate", []*authority{leaf}, leaf, "", "the issuer of ws.example.test, CN=Intermediate, is neither in the file"},
		{"no root that is known", []*authority{leaf, intermediate}, leaf, "", "the issuer of CN=Intermediate, CN=Root, is neither in the file"},
		{"the wrong order of issuers", []*authority{leaf, root, intermediate}, leaf, "", "certificate number 2, CN=Root, is not the issuer of the one before it"},
		{"the issuer first", []*authority{intermediate, leaf}, leaf, "that of the key, ws.example.test, is number 2 of 2; put it first", ""},
		{"another key", []*authority{leaf, intermediate}, other, "is not that of ws.example.test", ""},
		{"no certificate", nil, leaf, "there is no certificate in", ""},
		{"no key", []*authority{leaf}, nil, "there is no private key in", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := Files{Cert: filepath.Join(t.TempDir(), "cert.pem"), Key: filepath.Join(t.TempDir(), "key.pem")}
			var text []byte
			for _, a := range tt.chain {
				text = append(text, encode(a.cert)...)
			}
			writeFile(t, f.Cert, text)
			var key []byte
			if tt.key != nil {
				key = pem.EncodeToMemory(plain(tt.key.key))
			}
			writeFile(t, f.Key, key)
			s, err := Load(f)
			if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Fatalf("got %v, want %q", err, tt.err)
			}
			if err != nil {
				return
			}
			if w := s.Warning(); tt.warns == "" && w != "" || !strings.Contains(w, tt.warns) {
				t.Errorf("warns %q, want %q", w, tt.warns)
			}
		})
	}
}
