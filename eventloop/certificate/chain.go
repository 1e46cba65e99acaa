package certificate

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// parseChain returns the certificates of a PEM file, in its order.
func parseChain(text []byte) (chain []*x509.Certificate, err error) {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return chain, nil
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate number %d in it cannot be read: %w", len(chain)+1, err)
		}
		chain = append(chain, c)
	}
}

// explain tells why a certificate and a key do not go together, where crypto/tls only says that they do not.
func (f Files) explain(cert, key []byte, keyName string, cause error) error {
	chain, err := parseChain(cert)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", f.Cert, err)
	case len(chain) == 0:
		return fmt.Errorf("there is no certificate in %s; give the file that begins with BEGIN CERTIFICATE", f.Cert)
	}
	for i, c := range chain {
		if _, err := tls.X509KeyPair(encode(c), key); err != nil {
			continue
		}
		return fmt.Errorf("the certificates in %s are in the wrong order: that of the key, %s, is number %d of %d; put it first, and each issuer after what "+
			"it has issued", f.Cert, subject(c), i+1, len(chain))
	}
	if !hasKey(key) {
		return fmt.Errorf("there is no private key in %s; give the file that begins with BEGIN PRIVATE KEY", keyName)
	}
	if !strings.Contains(cause.Error(), "does not match") { // crypto/tls has no value for this error
		return fmt.Errorf("the key in %s cannot be used: %w", keyName, cause)
	}
	return fmt.Errorf("the key in %s is not that of %s in %s; give the key that the certificate was issued for (privkey.pem beside fullchain.pem), or have a new "+
		"certificate issued: %w", keyName, subject(chain[0]), f.Cert, cause)
}

func encode(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

// hasKey reports whether a PEM file has a private key.
func hasKey(text []byte) bool { return bytes.Contains(text, []byte("PRIVATE KEY-----")) }

// subject names a certificate.
func subject(c *x509.Certificate) string {
	if len(c.DNSNames) > 0 {
		return c.DNSNames[0]
	}
	return c.Subject.String()
}

// reviewChain returns what clients may not accept although a server can use it: "" if there is nothing. roots are the authorities that
// clients are taken to know.
func reviewChain(chain []*x509.Certificate, roots *x509.CertPool) string {
	leaf, intermediates := chain[0], x509.NewCertPool()
	for _, c := range chain[1:] {
		intermediates.AddCert(c)
	}
	for i, c := range chain[:len(chain)-1] {
		if c.CheckSignatureFrom(chain[i+1]) != nil {
			return fmt.Sprintf("certificate number %d, %s, is not the issuer of the one before it; put each issuer after what it has issued, and nothing else into the "+
				"file", i+2, subject(chain[i+1]))
		}
	}
	last := chain[len(chain)-1]
	if isSelfSigned(last) {
		return ""
	}
	_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: intermediates, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}, CurrentTime: leaf.NotBefore})
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return fmt.Sprintf("the issuer of %s, %s, is neither in the file nor among the authorities of this machine: clients that do not know it refuse the "+
			"connection; append the intermediate certificate (fullchain.pem in the place of cert.pem)", subject(last), last.Issuer)
	}
	return ""
}

func isSelfSigned(c *x509.Certificate) bool {
	return bytes.Equal(c.RawIssuer, c.RawSubject) && c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil
}
