package e2e

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	startTimeout = 20 * time.Second
	stopTimeout  = 15 * time.Second // the server promises ten seconds
)

// The application of reverbd --dev.
const (
	appID     = "app-id"
	appKey    = "app-key"
	appSecret = "app-secret"
)

// serverBinary is the server that TestMain built, with the race detector if the tests have it.
var serverBinary string

// runtimeDir is where servers have their control sockets.
var runtimeDir string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "reverbd-e2e-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { _ = os.RemoveAll(dir) }()
		runtimeDir = filepath.Join(dir, "run")
		if err := os.Mkdir(runtimeDir, 0o700); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		if serverBinary, err = build(dir, "../cmd/reverbd"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}())
}

// build compiles a command, given relative to this directory, into dir.
func build(dir, pkg string) (string, error) {
	out := filepath.Join(dir, filepath.Base(pkg))
	args := append([]string{"build", "-o", out}, raceFlags...)
	text, err := exec.Command("go", append(args, pkg)...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building %s: %w\n%s", pkg, err, text)
	}
	return out, nil
}

// server is a running reverbd.
type server struct {
	host   string // "" is 127.0.0.1
	port   int
	dir    string   // where it was started
	args   []string // with which it was started
	binary string
	env    []string // beside the plain environment
	prefix string   // of the routes: set it when the server runs with --path
	stream *os.File // standard output and error, if it is not nil, in place of output
	cmd    *exec.Cmd
	output *output
	exited chan struct{} // closed when the process has ended; err is valid from then on
	err    error
	once   sync.Once
}

// startServer starts reverbd with args on a free port of 127.0.0.1 and waits until it answers. When the test ends it is stopped
// with SIGTERM and must exit with 0; its output is shown if the test has failed.
//
//	s := startServer(t, "--dev")
//	s := startServer(t, "--config", "testdata/config.yml")
func startServer(t *testing.T, args ...string) *server {
	t.Helper()
	port := freePort(t)
	return startServerIn(t, t.TempDir(), port, append([]string{"--host", "127.0.0.1", "--port", strconv.Itoa(port)}, args...)...)
}

// startServerIn starts reverbd in dir with exactly args, which must make it listen on the port, as startServer does otherwise.
func startServerIn(t *testing.T, dir string, port int, args ...string) *server {
	t.Helper()
	s, err := launch(dir, port, args...)
	if s != nil {
		t.Cleanup(func() {
			if err := s.stop(); err != nil {
				t.Error(err)
			}
			if t.Failed() {
				t.Logf("reverbd %s:\n%s", strings.Join(args, " "), s.output)
			}
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// launch is startServerIn without a test. The caller must stop the server whenever there is one, also if there is an error.
func launch(dir string, port int, args ...string) (*server, error) {
	s := &server{port: port, dir: dir, args: args, binary: serverBinary}
	if err := s.start(); err != nil {
		return nil, err
	}
	return s, s.awaitReady()
}

// start runs the server's binary.
func (s *server) start() error {
	s.output, s.exited, s.cmd = new(output), make(chan struct{}), exec.Command(s.binary, s.args...)
	s.cmd.Dir, s.cmd.Env, s.cmd.Stdout, s.cmd.Stderr = s.dir, append(plainEnvironment(), s.env...), s.output, s.output
	if s.stream != nil {
		s.cmd.Stdout, s.cmd.Stderr = s.stream, s.stream
	}
	s.cmd.SysProcAttr = childAttributes()
	if err := s.cmd.Start(); err != nil {
		return err
	}
	go func() {
		s.err = s.cmd.Wait()
		close(s.exited)
	}()
	return nil
}

// awaitReady polls /up. Any answer will do.
func (s *server) awaitReady() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url("/up"), nil)
		if err != nil {
			return err
		}
		if res, err := client.Do(req); err == nil {
			return res.Body.Close()
		}
		select {
		case <-s.exited:
			return fmt.Errorf("reverbd ended before it was ready: %w", errors.Join(s.err, errors.New(s.output.String())))
		case <-ctx.Done():
			return fmt.Errorf("reverbd does not answer on %s", s.addr())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stop ends the server with SIGTERM and says if it did not exit with 0. It may be called more than once.
func (s *server) stop() (err error) {
	s.once.Do(func() {
		if signalErr := s.cmd.Process.Signal(syscall.SIGTERM); signalErr != nil && !errors.Is(signalErr, os.ErrProcessDone) {
			err = signalErr
		}
		select {
		case <-s.exited:
		case <-time.After(stopTimeout):
			_ = s.cmd.Process.Kill() // Wait reports what became of it
			<-s.exited
			err = errors.New("reverbd did not stop after SIGTERM")
		}
		err = errors.Join(err, s.err)
	})
	if err != nil {
		return fmt.Errorf("stopping reverbd: %w", err)
	}
	return nil
}

// awaitOutputTimes waits until the server has printed the text a number of times. The output of --debug is written with a delay.
func (s *server) awaitOutputTimes(t *testing.T, text string, times int) {
	t.Helper()
	for end := time.Now().Add(clientTimeout); strings.Count(s.output.String(), text) < times; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it does not say %q %d times:\n%s", text, times, s.output)
		}
	}
}

// addr is host:port.
func (s *server) addr() string {
	return net.JoinHostPort(cmp.Or(s.host, "127.0.0.1"), strconv.Itoa(s.port))
}

// url is the HTTP address of a path, which begins with a slash.
func (s *server) url(path string) string { return "http://" + s.addr() + path }

// freePort returns a port below the range of ephemeral ports, so that it stays free until the server listens, and while a test stops and
// starts a server on it.
func freePort(t *testing.T) int {
	t.Helper()
	for range 100 {
		port := 20000 + rand.IntN(12000)
		l, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			_ = l.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

// plainEnvironment returns the environment without the variables that would configure the server.
func plainEnvironment() []string {
	env := []string{"XDG_RUNTIME_DIR=" + runtimeDir}
	for _, v := range os.Environ() {
		if !slices.ContainsFunc([]string{"REVERB_", "REDIS_", "XDG_RUNTIME_DIR=", "RUNTIME_DIRECTORY=", "NOTIFY_SOCKET=", "WATCHDOG_"},
			func(prefix string) bool { return strings.HasPrefix(v, prefix) }) {
			env = append(env, v)
		}
	}
	return env
}

// output collects what a process prints; it is safe for concurrent use.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
