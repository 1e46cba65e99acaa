package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"reverbd/cmd/reverbd/config"
)

// sources is one situation that the command may be started in.
type sources struct {
	flags map[string]string
	env   map[string]string
	files map[string]string // by name, in the working directory; ".env" among them
}

func (s sources) load(t *testing.T) (config.Config, error) { return s.read(t, config.Load) }

func (s sources) locate(t *testing.T) (config.Config, error) { return s.read(t, config.Locate) }

// read calls Load or Locate.
func (s sources) read(t *testing.T,
	how func(map[string]string, func(string) (string, bool), string) (config.Config, error),
) (config.Config, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range s.files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	lookup := func(name string) (string, bool) {
		v, ok := s.env[name]
		return v, ok
	}
	return how(s.flags, lookup, dir)
}

func (s sources) mustLoad(t *testing.T) config.Config {
	t.Helper()
	c, err := s.load(t)
	if err != nil {
		t.Fatalf("unexpected: %v", err)
	}
	return c
}

// mustRefuse fails unless loading fails with one problem, whose text has want in it.
func (s sources) mustRefuse(t *testing.T, want string) {
	t.Helper()
	_, err := s.load(t)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if err != nil && strings.Contains(err.Error(), "\n") {
		t.Errorf("more than one problem: %v", err)
	}
}

// credentials of one application, as .env has them.
const credentials = "REVERB_APP_ID=1\nREVERB_APP_KEY=k\nREVERB_APP_SECRET=s\n"

func dotenv(text string) sources {
	return sources{files: map[string]string{".env": credentials + text}}
}

// yaml is a config file alone, --config naming it.
func yaml(text string) sources {
	return sources{flags: map[string]string{"config": "c.yaml"}, files: map[string]string{"c.yaml": text}}
}

// server is a config file with one application and the lines below servers.reverb.
func server(lines string) sources {
	return yaml("apps: {apps: [{app_id: 1, key: k, secret: s}]}\nservers:\n  reverb:\n    " + lines + "\n")
}

// app is a config file with one application and one more line in it.
func app(line string) sources {
	return yaml("apps:\n  apps:\n    - app_id: 1\n      key: k\n      secret: s\n      " + line + "\n")
}

func (s sources) with(env map[string]string) sources {
	s.env = env
	return s
}

func (s sources) flag(name, text string) sources {
	flags := map[string]string{name: text}
	for k, v := range s.flags {
		flags[k] = v
	}
	s.flags = flags
	return s
}

// without checks that a text is nowhere in an error.
func without(t *testing.T, err error, secret string) {
	t.Helper()
	if err != nil && strings.Contains(err.Error(), secret) {
		t.Errorf("the error tells %q: %v", secret, err)
	}
}
