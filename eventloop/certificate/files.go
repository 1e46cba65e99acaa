package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/youmark/pkcs8"
)

// Files are the files of a TLS server, as in the SSL context options of PHP. All are PEM.
type Files struct {
	Cert       string // the certificate, and the intermediate ones
	Key        string // "" if it is in Cert
	Passphrase string // of the key; "" if it has none
	CAFile     string // CAs of client certificates, which are required then; "" for none
	CAPath     string // a directory of such files; "" for none
}

// config reads the files.
func (f Files) config() (*tls.Config, error) {
	pair, err := f.pair()
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	cas, err := f.clientCAs()
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	c := &tls.Config{
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"http/1.1"}, // a WebSocket needs HTTP/1.1
		Certificates: []tls.Certificate{*pair},
		// A message is sent with one write, and the client needs all of it: small records at the beginning would only add bytes.
		DynamicRecordSizingDisabled: true,
	}
	if cas != nil {
		c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, cas
	}
	return c, nil
}

func (f Files) pair() (*tls.Certificate, error) {
	cert, err := os.ReadFile(f.Cert)
	if err != nil {
		return nil, err
	}
	name, key := f.Key, cert
	if name == "" {
		name = f.Cert
	} else if key, err = os.ReadFile(name); err != nil {
		return nil, err
	}
	if key, err = f.decrypt(name, key); err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, f.explain(cert, key, name, err)
	}
	return &pair, nil
}

// decrypt returns the PEM block of the key in text without its passphrase, and text itself if the key has none. name is for errors.
func (f Files) decrypt(name string, text []byte) ([]byte, error) {
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return text, nil
		}
		var der []byte
		var err error
		switch {
		case block.Type == "ENCRYPTED PRIVATE KEY": // PKCS #8
			if f.Passphrase == "" {
				return nil, fmt.Errorf("the key in %s has a passphrase, and none is given", name)
			}
			var key any
			if key, err = pkcs8.ParsePKCS8PrivateKey(block.Bytes, []byte(f.Passphrase)); err == nil {
				der, err = x509.MarshalPKCS8PrivateKey(key)
			}
			block.Type = "PRIVATE KEY"
		case x509.IsEncryptedPEMBlock(block): //nolint:staticcheck // old keys have it, insecure as it is
			if f.Passphrase == "" {
				return nil, fmt.Errorf("the key in %s has a passphrase, and none is given", name)
			}
			der, err = x509.DecryptPEMBlock(block, []byte(f.Passphrase)) //nolint:staticcheck // see above
		default:
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("the key in %s cannot be read with the passphrase that is given: %w", name, err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: der}), nil
	}
}

// clientCAs returns nil if clients need no certificate.
func (f Files) clientCAs() (*x509.CertPool, error) {
	var names []string
	if f.CAFile != "" {
		names = append(names, f.CAFile)
	}
	if f.CAPath != "" {
		entries, err := os.ReadDir(f.CAPath)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if !e.IsDir() {
				names = append(names, filepath.Join(f.CAPath, e.Name()))
			}
		}
	}
	if f.CAFile == "" && f.CAPath == "" {
		return nil, nil
	}
	pool, found := x509.NewCertPool(), false
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		found = pool.AppendCertsFromPEM(text) || found
	}
	if !found {
		return nil, errors.New("there is no certificate of an authority in " + f.CAFile + f.CAPath)
	}
	return pool, nil
}
