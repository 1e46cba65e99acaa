package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"reverbd/protocol/pusher"
)

// What an operator meets: no free descriptors, signals, ports in use, wrong settings.

// runToEnd runs reverbd in dir until it ends by itself, and returns its exit code and what it printed.
func runToEnd(t *testing.T, dir string, env []string, args ...string) (code int, out string) {
	t.Helper()
	return exitOf(t, exec.CommandContext(t.Context(), serverBinary, args...), dir, env)
}

// exitOf runs a command in dir, with env beside the plain environment, and returns its exit code and what it printed.
func exitOf(t *testing.T, cmd *exec.Cmd, dir string, env []string) (code int, out string) {
	t.Helper()
	cmd.Dir, cmd.Env, cmd.SysProcAttr = dir, append(plainEnvironment(), env...), childAttributes()
	text, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), string(text)
	} else if err != nil {
		t.Fatal(err)
	}
	return 0, string(text)
}

// establish opens a WebSocket to the application of --dev and reads connection_established.
func establish(s *server) (*echoConn, error) {
	c, err := dialPath(s.addr(), "/app/"+appKey)
	if err != nil {
		return nil, err
	}
	f, err := c.next()
	if err == nil && strings.Contains(string(f.payload), "pusher:connection_established") {
		_, after, _ := strings.Cut(string(f.payload), `socket_id\":\"`)
		id, _, _ := strings.Cut(after, `\`)
		c.id, _ = pusher.ParseSocketID(id)
		return c, nil
	}
	_ = c.Close()
	return nil, errors.Join(err, fmt.Errorf("expected connection_established, got %q", f.payload))
}

// served returns an error unless the server answers a ping on the connection.
func (c *echoConn) served() error {
	c.write(wire(textOf(`{"event":"pusher:ping","data":{}}`)), 0)
	f, err := c.next()
	if err != nil {
		return err
	}
	var m struct{ Event string }
	if err := json.Unmarshal(f.payload, &m); err != nil || m.Event != "pusher:pong" {
		return fmt.Errorf("a ping is answered with %q", f.payload)
	}
	return nil
}

// Without free descriptors the server keeps serving its connections, refuses others, and accepts new ones when there is room.
func TestOutOfDescriptors(t *testing.T) {
	const descriptors, attempts = 300, 400
	port := freePort(t)
	s := startLimited(t, descriptors, port, "--dev", "--host", "127.0.0.1", "--port", strconv.Itoa(port), "--reactors", "2")

	var has []*echoConn
	for range attempts {
		if c, err := establish(s); err == nil {
			defer c.Close()
			has = append(has, c)
		}
	}
	if n := len(has); n < descriptors*2/3 || n >= descriptors {
		t.Fatalf("%d of %d connections were taken, with %d descriptors", n, attempts, descriptors)
	}
	alive := func(when string) {
		t.Helper()
		select {
		case <-s.exited:
			t.Fatalf("%s the server has ended: %v\n%s", when, s.err, s.output)
		default:
		}
		for i, c := range has {
			if err := c.served(); err != nil {
				t.Fatalf("%s connection %d of %d is not served: %v", when, i, len(has), err)
			}
		}
	}
	alive("when it is full")
	if c, err := establish(s); err == nil {
		_ = c.Close()
		t.Error("a connection was taken though the server is full")
	}
	if !strings.Contains(s.output.String(), "ulimit -n") {
		t.Error("nobody is told what to do about it")
	}

	const leaving = 50
	full := len(has)
	for _, c := range has[:leaving] {
		_ = c.Close()
	}
	has = has[leaving:]
	for end := time.Now().Add(20 * time.Second); len(has) < full && time.Now().Before(end); {
		c, err := establish(s)
		if err != nil {
			time.Sleep(10 * time.Millisecond) // the server may not have noticed yet
			continue
		}
		defer c.Close()
		has = append(has, c)
	}
	if len(has) < full {
		t.Errorf("%d connections left and only %d were taken", leaving, leaving-(full-len(has)))
	}
	alive("when it is full again")
}

// On SIGTERM every client gets a close frame 4200, a client that stays connected does not prevent the end, and the exit code is 0.
func TestTerminated(t *testing.T) {
	s := startServer(t, "--dev", "--reactors", "2")
	var all []*echoConn
	for i := range 100 {
		c, err := establish(s)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if i%2 == 0 {
			c.write(wire(textOf(`{"event":"pusher:subscribe","data":{"channel":"room"}}`)), 0)
			if _, err := c.next(); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, c)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- s.stop() }()
	var clients sync.WaitGroup
	for i, c := range all {
		clients.Go(func() {
			if err := c.dismissed(4200); err != nil {
				t.Errorf("client %d: %v", i, err)
			}
			if i > 0 { // the first one stays, and the server waits for it only for a while
				_ = c.Close()
			}
		})
	}
	clients.Wait()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if _, err := dialPath(s.addr(), "/"); err == nil {
		t.Error("somebody still listens")
	}
}

// After a server was killed, another one can listen on its port at once, though the kernel still has its connections.
func TestKilledAndStartedAgain(t *testing.T) {
	port := freePort(t)
	args := []string{"--dev", "--host", "127.0.0.1", "--port", strconv.Itoa(port)}
	first, err := launch(t.TempDir(), port, args...)
	if err != nil {
		t.Fatal(err)
	}
	var all []*echoConn
	for range 20 {
		c, err := establish(first)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		all = append(all, c)
	}
	if err := first.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-first.exited
	for _, c := range all {
		if f, err := c.next(); err == nil {
			t.Errorf("a killed server says %s", f)
		}
	}
	second := startServerIn(t, t.TempDir(), port, args...)
	c, err := establish(second)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.served(); err != nil {
		t.Error(err)
	}
}

// A second server on the same port ends with an error, and does not affect the first.
func TestPortIsTaken(t *testing.T) {
	s := startServer(t, "--dev")
	c, err := establish(s)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, host := range []string{"127.0.0.1", "0.0.0.0"} {
		code, out := runToEnd(t, t.TempDir(), nil, "--dev", "--host", host, "--port", strconv.Itoa(s.port))
		if code != 1 || !strings.Contains(out, "address already in use") || !strings.Contains(out, strconv.Itoa(s.port)) {
			t.Errorf("on %s: exit code %d, %s", host, code, out)
		}
		if strings.Contains(out, "Starting server") {
			t.Error("it claims to have started:", out)
		}
	}
	if err := c.served(); err != nil {
		t.Error(err)
	}
	res, err := http.Get(s.url("/up"))
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatal(res, err)
	}
	_ = res.Body.Close()
}

// All configuration errors are printed together, with their names and sources, and the exit code is 2.
func TestWrongConfiguration(t *testing.T) {
	const app = "REVERB_APP_ID=1\nREVERB_APP_KEY=k\nREVERB_APP_SECRET=s\n"
	for _, tc := range []struct {
		name, dotenv string
		env, args    []string
		tells        []string
	}{
		{
			"everything", "REVERB_APP_ID=1\nREVERB_APP_KEY=k\nREVERB_APP_PING_INTERVAL=abc\nREVERB_SERVER_PATH=\"a b\"\n",
			[]string{"REVERB_REACTORS=999"}, []string{"--port", "99999"},
			[]string{"--port", "99999", "REVERB_REACTORS", "999", "REVERB_SERVER_PATH", ".env, line 4", "REVERB_APP_SECRET", "REVERB_APP_PING_INTERVAL"},
		},
		{"no app", "", nil, nil, []string{"REVERB_APP_ID", "REVERB_APP_KEY", "REVERB_APP_SECRET"}},
		{"a file that is not there", app, nil, []string{"--config", "nowhere.yml"}, []string{"nowhere.yml"}},
		{"an unknown flag", app, nil, []string{"--nonsense"}, []string{"nonsense", "--help"}},
		{"an unknown command", app, nil, []string{"nonsense"}, []string{"nonsense", "--help"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, ".env"), []byte(tc.dotenv), 0o600); err != nil {
				t.Fatal(err)
			}
			code, out := runToEnd(t, dir, tc.env, tc.args...)
			if code != 2 {
				t.Errorf("exit code %d", code)
			}
			for _, s := range tc.tells {
				if !strings.Contains(out, s) {
					t.Errorf("%s is not named in\n%s", s, out)
				}
			}
		})
	}
}
