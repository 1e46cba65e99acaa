package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Source is a certificate that may be replaced while it is in use. Safe for concurrent use.
type Source struct {
	files   Files
	current atomic.Pointer[tls.Config]

	mu   sync.Mutex // guards seen
	seen [2]version
}

// version identifies the content of a file.
type version struct {
	modified time.Time
	size     int64
}

// Load reads the files.
func Load(f Files) (*Source, error) {
	s := &Source{files: f}
	return s, s.Reload()
}

// Config is for tls.Server: each handshake uses the files as they were read last. The keys of session tickets belong to the returned
// Config, so that sessions can be resumed after a renewal.
func (s *Source) Config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return s.current.Load(), nil
		},
	}
}

// Warning tells what clients may not accept of the certificate as it was read last, though it can be used: an issuer that is missing, or the
// order of the certificates. It is "" if there is nothing.
func (s *Source) Warning() string {
	var chain []*x509.Certificate
	for _, der := range s.current.Load().Certificates[0].Certificate {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return s.files.Cert + ": " + err.Error()
		}
		chain = append(chain, c)
	}
	if w := reviewChain(chain, nil); w != "" {
		return s.files.Cert + ": " + w
	}
	return ""
}

// Reload reads the files again. If that fails, the certificate stays as it is.
func (s *Source) Reload() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.versions()
	c, err := s.files.config()
	s.seen = seen // also after an error, which Renew would return again and again
	if err != nil {
		return err
	}
	s.current.Store(c)
	return nil
}

// Renew calls Reload if the files of the certificate and the key have changed since they were read, and reports whether they have.
func (s *Source) Renew() (changed bool, err error) {
	s.mu.Lock()
	changed = s.versions() != s.seen
	s.mu.Unlock()
	if !changed {
		return false, nil
	}
	return true, s.Reload()
}

func (s *Source) versions() (v [2]version) {
	for i, name := range []string{s.files.Cert, s.files.Key} {
		if info, err := os.Stat(name); err == nil {
			v[i] = version{info.ModTime(), info.Size()}
		}
	}
	return v
}
