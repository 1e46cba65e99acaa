package e2e

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// scenarioTimeout is a safety net: a scenario that hangs ends by itself, earlier, and says what it waited for.
const scenarioTimeout = 90 * time.Second

func TestPusherJS(t *testing.T) {
	t.Parallel()
	runScenarios(t, "pusher-js", startServer(t, "--dev"))
}

func TestPusherJSIsPinged(t *testing.T) {
	t.Parallel()
	runScenarios(t, "idle", startServer(t, "--config", writeConfig(t, `"ping_interval": 1, "activity_timeout": 10`)))
}

func TestLaravelEcho(t *testing.T) {
	t.Parallel()
	runScenarios(t, "laravel-echo", startServer(t, "--dev"))
}

func TestPusherNodeServer(t *testing.T) {
	t.Parallel()
	runScenarios(t, "pusher-node", startServer(t, "--dev"))
}

func TestUsers(t *testing.T) {
	t.Parallel()
	runScenarios(t, "users", startServer(t, "--config", writeConfig(t, `"subscription_count": true, "accept_client_events_from": "private"`)))
}

// TestPathPrefix runs the same scenarios below a path: clients have wsPath for it, and the server library takes it at the end of its
// port or host.
func TestPathPrefix(t *testing.T) {
	t.Parallel()
	s := startServer(t, "--dev", "--path", "/ws")
	for _, dir := range []string{"pusher-js", "laravel-echo", "pusher-node"} {
		t.Run(dir, func(t *testing.T) { runScenarios(t, dir, s, "REVERBD_PATH=/ws") })
	}
}

func TestChromium(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"room": {"--dev"}, "compressed": {"--dev", "--compression"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startServer(t, args...)
			runScenarios(t, "chromium", s, "RESTART_URL="+restarter(t, s))
		})
	}
	t.Run("back and forth", func(t *testing.T) {
		t.Parallel()
		runScenarios(t, "chromium-bfcache", startServer(t, "--dev"))
	})
	t.Run("origins", func(t *testing.T) {
		t.Parallel()
		runScenarios(t, "chromium-origins", startServer(t, "--config", writeConfig(t, `"allowed_origins": ["localhost"]`)))
	})
}

// runScenarios runs every scenario of a directory below js against the server, as parallel subtests. A new file there is a new test.
func runScenarios(t *testing.T, dir string, s *server, env ...string) {
	t.Helper()
	requireNode(t)
	files, err := filepath.Glob(filepath.Join("js", dir, "*.js"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios in js/%s: %v", dir, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".js"), func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), scenarioTimeout)
			defer cancel()
			cmd := exec.CommandContext(ctx, "node", file)
			cmd.Env = append(append(plainEnvironment(), "REVERBD_PORT="+strconv.Itoa(s.port)), env...)
			cmd.SysProcAttr = childAttributes()
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("node %s: %v\n%s", file, err, out)
			}
		})
	}
}

// requireNode fails if Node or the packages are missing. It does not skip: a skipped test would go unnoticed.
func requireNode(t *testing.T) {
	t.Helper()
	_, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat(filepath.Join("js", "node_modules", ".package-lock.json"))
	}
	if err != nil {
		t.Fatalf("%v: make test installs what these tests need (Node, the packages of e2e/js, Chromium)", err)
	}
}

// restarter is a URL that stops the server with SIGTERM, starts another on its port, and answers when that is ready.
func restarter(t *testing.T, s *server) string {
	t.Helper()
	current := s
	control := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		err := current.stop()
		next, launchErr := launch(t.TempDir(), current.port, current.cmd.Args[1:]...)
		if next != nil {
			current = next
		}
		if err = errors.Join(err, launchErr); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}))
	t.Cleanup(func() {
		control.Close() // waits for the handler
		if err := current.stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() && current != s {
			t.Logf("reverbd, restarted:\n%s", current.output)
		}
	})
	return control.URL
}

// writeConfig writes a config file with the application of --dev, which has more settings, and returns its name.
func writeConfig(t *testing.T, settings string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "reverb.json")
	text := `{"apps": {"provider": "config", "apps": [
		{"app_id": "` + appID + `", "key": "` + appKey + `", "secret": "` + appSecret + `", ` + settings + `}]}}`
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
