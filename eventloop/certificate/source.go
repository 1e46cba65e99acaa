package certificate

import (
	"crypto/tls"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Source is a certificate that may be renewed. Safe for concurrent use.
type Source struct {
	files   Files
	current atomic.Pointer[tls.Config]

	mu   sync.Mutex // guards seen
	seen [2]version
}

// version tells one content of a file from another.
type version struct {
	modified time.Time
	size     int64
}

// Load reads the files.
func Load(f Files) (*Source, error) {
	s := &Source{files: f}
	return s, s.Reload()
}

// Config is for tls.Server: each handshake gets what was read last. The keys of session tickets are those of the returned Config, so
// that sessions are resumed after a renewal, too.
func (s *Source) Config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return s.current.Load(), nil
		},
	}
}

// Reload reads the files again. If they cannot be used, what there was stays.
func (s *Source) Reload() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.look()
	c, err := s.files.read()
	s.seen = seen // what is wrong is not read again and again
	if err != nil {
		return err
	}
	s.current.Store(c)
	return nil
}

// Renew is Reload if the files of the certificate and the key have changed since they were read, and reports whether they had.
func (s *Source) Renew() (changed bool, err error) {
	s.mu.Lock()
	changed = s.look() != s.seen
	s.mu.Unlock()
	if !changed {
		return false, nil
	}
	return true, s.Reload()
}

func (s *Source) look() (seen [2]version) {
	for i, name := range []string{s.files.Cert, s.files.Key} {
		if info, err := os.Stat(name); err == nil {
			seen[i] = version{info.ModTime(), info.Size()}
		}
	}
	return seen
}
